/// The kernel's network as one snapshot, and beside it what runs on it: the plan's start and its expected end.
package struct NetworkState: Hashable, Sendable, Codable {
    package var links: [String: LinkState]
    /// Without those that the kernel itself makes for addresses (rtm_protocol "kernel") and without the local table.
    package var routes: [RouteState]
    /// Links on which a DHCP client runs.
    package var dhcpClients: Set<String>
    /// The resolvers of the host, in order.
    package var nameservers: [String]

    package init(
        links: [LinkState] = [],
        routes: [RouteState] = [],
        dhcpClients: Set<String> = [],
        nameservers: [String] = []
    ) {
        self.links = Dictionary(links.map { ($0.name, $0) }) { $1 }
        (self.routes, self.dhcpClients, self.nameservers) = (routes, dhcpClients, nameservers)
    }

    /// The ports of a bridge or bond, sorted.
    package func ports(of master: String) -> [String] {
        links.values.filter { $0.master == master }.map(\.name).sorted()
    }

    package func routes(via link: String) -> [RouteState] { routes.filter { $0.link == link } }

    /// The link that carries an address; `nil` when none does.
    package func link(owning address: IPv4Address) -> LinkState? {
        links.values.filter { $0.addresses.contains { $0.address == address } }.min { $0.name < $1.name }
    }

    /// The gateway of a link: of its default route, in any table.
    package func gateway(of link: String) -> IPv4Address? {
        routes(via: link).filter(\.isDefault).compactMap(\.gateway).first
    }
}
