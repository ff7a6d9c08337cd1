package import HostModel

/// What a DHCP server gave, as udhcpc hands it to its script in the environment. Every word of it is the server's, so
/// what is no address, name or number is left out.
package struct Lease: Hashable, Sendable, Codable {
    package struct Route: Hashable, Sendable, Codable {
        package var destination: IPv4Network
        package var gateway: IPv4Address

        package init(destination: IPv4Network, gateway: IPv4Address) {
            (self.destination, self.gateway) = (destination, gateway)
        }
    }

    package var link: LinkName
    package var address: IPv4Network
    /// Option 3; not used where `routes` are given (RFC 3442).
    package var gateway: IPv4Address?
    /// Option 121.
    package var routes: [Route]
    package var nameservers: [IPv4Address]
    package var domain: HostName?
    package var hostName: HostName?
    package var mtu: Int?
    /// Option 54.
    package var server: IPv4Address?

    /// The most routes and the most name servers that are taken from a lease.
    package static let routesMax = 64
    package static let nameserversMax = 3

    /// `nil` without an address that can be used: then there is nothing to do. A mask shorter than any network's is none: the
    /// route of the address itself would take a large part of the world.
    package init?(link: LinkName, environment: [String: String]) {
        func words(_ name: String) -> [Substring] { (environment[name] ?? "").split(separator: " ") }
        guard let address = environment["ip"].flatMap({ IPv4Address($0) }), Self.isUsable(address),
            let network = Self.network(address, environment), network.prefixLength >= RouteState.prefixMin
        else { return nil }
        (self.link, self.address) = (link, network)
        gateway = words("router").first.flatMap { IPv4Address($0) }
        nameservers = Array(words("dns").compactMap { IPv4Address($0) }.prefix(Self.nameserversMax))
        domain = words("domain").first.flatMap { HostName($0) }
        hostName = environment["hostname"].flatMap { HostName($0) }
        mtu = environment["mtu"].flatMap { Int($0) }.flatMap { (576...65535).contains($0) ? $0 : nil }
        server = environment["serverid"].flatMap { IPv4Address($0) }
        let pairs = words("staticroutes")
        routes = stride(from: 0, to: pairs.count - pairs.count % 2, by: 2).prefix(Self.routesMax).compactMap { index in
            guard let destination = IPv4Network(pairs[index]), let gateway = IPv4Address(pairs[index + 1]) else {
                return nil
            }
            return Route(destination: destination, gateway: gateway)
        }
    }

    package static func fileName(_ link: LinkName) -> String { "lease-\(link).json" }

    /// The steps that put it into force.
    package var steps: [BootNetworkStep] {
        var steps: [BootNetworkStep] = mtu.map { [.setMTU(link, $0)] } ?? []
        steps.append(.addAddress(link, address))
        if routes.isEmpty {
            return steps + (gateway.map { BootNetworkPlan.defaultRoute($0, of: address, link) } ?? [])
        }
        for route in routes {
            // A gateway of 0.0.0.0 means: straight on the link (RFC 3442).
            let gateway = route.gateway == .any ? nil : route.gateway
            steps.append(.addRoute(route.destination, gateway: gateway, link))
        }
        return steps
    }

    /// As a network of the engine's asks: its MTU is the network's, and the default route only where it is wanted; also not
    /// in halves or quarters (RFC 3442 lets a server send `0.0.0.0/1` and `128.0.0.0/1`).
    func steps(_ role: LeaseRoles.Role?) -> [BootNetworkStep] {
        guard let role else { return steps }
        return steps.filter { step in
            switch step {
            case .setMTU: false
            case .addRoute(let destination, _, _):
                role.defaultRoute || destination.prefixLength >= RouteState.prefixMin
            default: true
            }
        }
    }

    /// Routes that the server gave and that are not taken, but for the plain default route.
    func refused(_ role: LeaseRoles.Role?) -> [Route] {
        guard let role, !role.defaultRoute else { return [] }
        return routes.filter { (1..<RouteState.prefixMin).contains($0.destination.prefixLength) }
    }

    /// No machine can have a loopback, multicast or zero address.
    private static func isUsable(_ address: IPv4Address) -> Bool {
        (1...223).contains(address.octets[0]) && address.octets[0] != 127
    }

    private static func network(_ address: IPv4Address, _ environment: [String: String]) -> IPv4Network? {
        if let mask = environment["subnet"].flatMap({ IPv4Address($0) }) { return IPv4Network(address, netmask: mask) }
        guard let mask = environment["mask"] else { return IPv4Network(address, prefixLength: 24) }
        if let length = Int(mask) { return IPv4Network(address, prefixLength: length) }
        return IPv4Address(mask).flatMap { IPv4Network(address, netmask: $0) }
    }
}

/// What resolv.conf(5) is to say.
package struct ResolverConfiguration: Hashable, Sendable {
    package var nameservers: [IPv4Address]
    package var search: [HostName]

    /// The set ones first, then those of the leases.
    package init(configured: [IPv4Address], leases: [Lease]) {
        var servers: [IPv4Address] = []
        for server in configured + leases.flatMap(\.nameservers) where !servers.contains(server) {
            servers.append(server)
        }
        var search: [HostName] = []
        for domain in leases.compactMap(\.domain) where !search.contains(domain) { search.append(domain) }
        (nameservers, self.search) = (Array(servers.prefix(Lease.nameserversMax)), search)
    }

    package var text: String {
        let lines = search.isEmpty ? [] : ["search " + search.map(\.rawValue).joined(separator: " ")]
        return (lines + nameservers.map { "nameserver \($0)" }).map { $0 + "\n" }.joined()
    }
}
