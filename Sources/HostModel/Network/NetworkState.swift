/// The kernel's network as one snapshot, and beside it what runs on it: the plan's start and its expected end.
package struct NetworkState: Hashable, Sendable, Codable {
    package var links: [String: LinkState]
    /// Without those that the kernel itself makes for addresses (rtm_protocol "kernel") and without the local table.
    package var routes: RouteTable
    /// The rules of source routing: those with `RuleState.priority`, by table.
    package var rules: [Int: Set<RuleState>]
    /// Links on which a DHCP client runs.
    package var dhcpClients: Set<String>
    /// The resolvers of the host, in order.
    package var nameservers: [String]
    /// What a link has of IPv6 when it is made.
    package var newLinkIPv6 = IPv6Settings()

    package init(
        links: [LinkState] = [],
        routes: [RouteState] = [],
        dhcpClients: Set<String> = [],
        nameservers: [String] = []
    ) {
        self.links = Dictionary(links.map { ($0.name, $0) }) { $1 }
        (self.routes, self.dhcpClients, self.nameservers) = (RouteTable(routes), dhcpClients, nameservers)
        rules = [:]
    }

    /// The ports of a bridge or bond, sorted.
    package func ports(of master: String) -> [String] {
        links.values.filter { $0.master == master }.map(\.name).sorted()
    }

    /// The ports of every bridge and bond, sorted.
    package func portsByMaster() -> [String: [String]] {
        var ports: [String: [String]] = [:]
        for (name, link) in links {
            if let master = link.master { ports[master, default: []].append(name) }
        }
        return ports.mapValues { $0.sorted() }
    }

    package func routes(via link: String) -> [RouteState] { routes.on(link) }

    /// The link that carries an address; `nil` when none does.
    package func link(owning address: IPv4Address) -> LinkState? {
        links.values.filter { $0.addresses.contains { $0.address == address } }.min { $0.name < $1.name }
    }

    /// The gateway of a link: of its default route, in any table.
    package func gateway(of link: String) -> IPv4Address? {
        routes.on(link).filter(\.isDefault).compactMap { $0.gateway?.v4 }.first
    }

    package func gateway6(of link: String) -> IPv6Address? {
        routes.on(link).filter(\.isDefault).compactMap { $0.gateway?.v6 }.first
    }
}
