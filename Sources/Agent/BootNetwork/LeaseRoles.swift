import Glibc
package import HostModel
import Netlink
import SystemPackage

/// What the leases of the engine's networks are for. `apply` writes it before it starts a client, `lease` reads it: a lease
/// on a link that is not in it is the boot network's.
package struct LeaseRoles: Hashable, Sendable, Codable {
    package struct Role: Hashable, Sendable, Codable {
        /// The host's default route goes by this lease.
        package var defaultRoute: Bool
        /// Resolvers that take the place of the lease's; none: the lease's are used where the default route is.
        package var nameservers: [String]
    }

    /// By link.
    package var roles: [String: Role]

    private static let fileName = "lease-roles.json"

    package init(_ owned: OwnedNetworks) {
        let networks = owned.networks.values.filter { $0.addressing == .dhcp }
        roles = Dictionary(
            networks.map { ($0.carrier, Role(defaultRoute: $0.defaultRoute, nameservers: $0.nameservers)) }
        ) { $1 }
    }

    /// The role of a link's lease; `nil` for the boot network's.
    static func role(of link: LinkName, in run: NodeDirectory) -> Role? {
        run.value(LeaseRoles.self, in: fileName)?.roles[link.rawValue]
    }

    /// Written only when it says something else than before.
    package func write(to run: NodeDirectory) throws {
        let known = run.value(LeaseRoles.self, in: Self.fileName)
        guard known != self, !(known == nil && roles.isEmpty) else { return }
        try run.write(value: self, to: Self.fileName)
    }
}

extension Lease {
    /// Where packages of hosts behind routers go, by default: what the server says first.
    var router: IPv4Address? { routes.first { $0.destination.prefixLength == 0 }?.gateway ?? gateway }

    /// The lease's own table and rules, so that answers leave by the link on which the question came (ovirt.md 6.4).
    var sourceRouting: (routes: [RouteState], rules: Set<RuleState>) {
        guard let router, router != .any, address.contains(router) else { return ([], []) }
        let table = RuleState.table(of: link.rawValue)
        let network = RuleState(.from, address, table: table).network
        let origin = Self.routeOrigin
        return (
            [
                RouteState(destination: network, link: link.rawValue, table: table, origin: origin),
                RouteState(
                    destination: .everything,
                    gateway: router,
                    link: link.rawValue,
                    table: table,
                    origin: origin
                ),
            ], Set(RuleState.Selector.allCases.map { RuleState($0, network, table: table) })
        )
    }

    /// RTPROT_DHCP
    private static let routeOrigin = 16
}

/// Puts the table and the rules of a lease in the kernel, and takes away those of the one before.
struct SourceRouting {
    /// `lease`: `nil` when the address is gone.
    static func set(_ lease: Lease?, on link: LinkName) throws(NetlinkError) {
        let state = try KernelSnapshot.read().state
        let table = RuleState.table(of: link.rawValue)
        let (routes, rules): ([RouteState], Set<RuleState>) = lease?.sourceRouting ?? ([], [])
        let present = state.rules[table] ?? []
        func sorted(_ rules: Set<RuleState>) -> [RuleState] { rules.sorted { $0.description < $1.description } }
        let had = state.routes.on(link.rawValue).filter { $0.table == table }
        let keys = Set(routes.map(\.key))
        var steps: [NetworkStep] = sorted(present.subtracting(rules)).map { .removeRule($0) }
        steps += had.filter { !keys.contains($0.key) }.map { .removeRoute($0) }
        steps += routes.map { .addRoute($0) }
        steps += sorted(rules.subtracting(present)).map { .addRule($0) }
        guard !steps.isEmpty else { return }
        var kernel = try KernelNetwork.open()
        try kernel.apply(steps)
    }
}
