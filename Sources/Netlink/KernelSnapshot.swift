internal import CNetlink
internal import Glibc
package import HostModel

/// The kernel's network as it is now.
package struct KernelSnapshot: Sendable {
    /// Without DHCP clients and resolvers, which are not the kernel's.
    package var state: NetworkState
    package var counters: [String: LinkCounters]
    package var permanentMACs: [String: MACAddress]
    /// What bonds are doing, by name.
    package var bonds: [String: BondStatus]

    /// Dumps that the kernel disturbed are repeated this often.
    package static let attemptsMax = 20

    /// Reads links, addresses, routes and rules of this process's network namespace. Needs no privilege.
    package static func read() throws(NetlinkError) -> KernelSnapshot { try patiently(readOnce) }

    /// The same without routes, rules and shares, for those who only watch.
    package static func readLinks() throws(NetlinkError) -> KernelSnapshot { try patiently(readLinksOnce) }

    private static func patiently(
        _ read: () throws(NetlinkError) -> KernelSnapshot
    ) throws(NetlinkError) -> KernelSnapshot {
        var disturbance = NetlinkError("read the network", .interrupted, "never tried")
        for _ in 1...attemptsMax {
            do {
                return try read()
            } catch {
                guard error.cause == .interrupted else { throw error }
                disturbance = error
            }
        }
        disturbance.detail += " (\(attemptsMax) times in a row)"
        throw disturbance
    }

    private static func readOnce() throws(NetlinkError) -> KernelSnapshot {
        let socket = try NetlinkSocket.connect()
        let (links, addresses) = try linksAndAddresses(socket)
        var routes: [[UInt8]] = []
        for family in [AF_INET, AF_INET6] {
            routes += try socket.dump(.dump(Int(RTM_GETROUTE), family: UInt8(family), headerBytes: 12), "list routes")
        }
        let rules = try rules(socket)
        var snapshot = KernelSnapshot(
            links: links,
            addresses: addresses,
            routes: routes.compactMap(RouteRecord.init),
            rules: rules.compactMap(RuleRecord.init)
        )
        try readShaping(&snapshot, links, socket)
        snapshot.state.newLinkIPv6 = IPv6Files.defaults()
        return snapshot
    }

    private static func readLinksOnce() throws(NetlinkError) -> KernelSnapshot {
        let (links, addresses) = try linksAndAddresses(try NetlinkSocket.connect())
        return KernelSnapshot(links: links, addresses: addresses, routes: [])
    }

    private static func linksAndAddresses(
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> ([LinkRecord], [AddressRecord]) {
        let records = try socket.dump(.dump(Int(RTM_GETLINK), headerBytes: 16), "list links").map(LinkRecord.init)
        guard !records.contains(where: { $0 == nil }) else {
            throw NetlinkError("list links", .malformed, "a message of the kernel can not be read")
        }
        let addresses = try socket.dump(.dump(Int(RTM_GETADDR), headerBytes: 8), "list addresses")
        return (records.compactMap(\.self), addresses.compactMap(AddressRecord.init))
    }

    /// A kernel without policy routing has no rules.
    private static func rules(_ socket: borrowing NetlinkSocket) throws(NetlinkError) -> [[UInt8]] {
        let request = NetlinkMessage.dump(Int(RTM_GETRULE), family: UInt8(AF_INET), headerBytes: 12)
        do {
            return try socket.dump(request, "list rules")
        } catch {
            guard error.cause == .other else { throw error }
            return []
        }
    }

    init(links: [LinkRecord], addresses: [AddressRecord], routes: [RouteRecord], rules: [RuleRecord] = []) {
        let names = Dictionary(links.map { ($0.index, $0.name) }) { $1 }
        state = NetworkState(links: links.map { LinkState($0, names: names) })
        for record in addresses {
            guard let name = names[record.link] else { continue }
            switch record.address {
            case .v4(let network): state.links[name]?.addresses.append(network)
            case .v6(let network) where record.isPermanent && !network.address.isLinkLocal:
                state.links[name]?.ipv6Addresses.append(network)
            case .v6(let network): state.links[name]?.automaticAddresses.append(network)
            }
        }
        state.routes = RouteTable(routes.compactMap { route in names[route.link].map { RouteState(route, link: $0) } })
        for record in rules { state.rules[record.rule.table, default: []].insert(record.rule) }
        counters = Dictionary(links.map { ($0.name, $0.counters) }) { $1 }
        permanentMACs = Dictionary(links.compactMap { link in link.permanentMAC.map { (link.name, $0) } }) { $1 }
        bonds = [:]
        for link in links where link.kind == "bond" { bonds[link.name] = BondStatus(link.kindData, names: names) }
    }
}

extension NetlinkMessage {
    /// A request for everything of one kind; the family's fixed header is zero but for the address family.
    fileprivate static func dump(_ type: Int, family: UInt8 = 0, headerBytes: Int) -> NetlinkMessage {
        var message = NetlinkMessage(type: type)
        message.put(family)
        for _ in 1..<headerBytes { message.put(UInt8(0)) }
        return message
    }
}

extension LinkState {
    fileprivate init(_ record: LinkRecord, names: [Int32: String]) {
        self.init(
            name: record.name,
            kind: LinkKind(record, names: names),
            mac: record.mac,
            mtu: record.mtu,
            isUp: record.flags & UInt32(IFF_UP.rawValue) != 0,
            hasCarrier: record.flags & UInt32(IFF_LOWER_UP.rawValue) != 0,
            master: record.master.flatMap { names[$0] },
            ipv6: record.ipv6 ?? .off
        )
        (ownMAC, mtuMax) = (record.slaveMAC, record.mtuMax)
    }
}

extension LinkKind {
    fileprivate init(_ record: LinkRecord, names: [Int32: String]) {
        switch record.kind {
        case nil where record.isLoopback: self = .loopback
        case nil: self = .device
        case "bond": self = .bond(BondOptions(record.kindData, names: names))
        case "bridge": self = .bridge(BridgeOptions(record.kindData))
        case "vlan":
            let id = record.kindData?.integer(Int(IFLA_VLAN_ID), as: UInt16.self) ?? 0
            self = .vlan(base: record.parent.flatMap { names[$0] } ?? "", id: Int(id))
        case let kind?: self = .other(kind)
        }
    }
}

extension RouteState {
    fileprivate init(_ record: RouteRecord, link: String) {
        switch record.destination {
        case .v4(let destination):
            self.init(
                destination: destination,
                gateway: record.gateway?.v4,
                link: link,
                table: record.table,
                metric: record.metric,
                source: record.source,
                origin: record.origin
            )
        case .v6(let destination):
            self.init(
                destination6: destination,
                gateway: record.gateway?.v6,
                link: link,
                table: record.table,
                metric: record.metric,
                origin: record.origin
            )
        }
    }
}
