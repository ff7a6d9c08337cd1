/// The kernel's network as one snapshot, and beside it what runs on it: the plan's start and its expected end.
package struct NetworkState: Hashable, Sendable, Codable {
    package var links: [String: LinkState]
    /// Without those that the kernel itself makes for addresses (rtm_protocol "kernel") and without the local table.
    package var routes: RouteTable
    /// The rules of source routing: those with `RuleState.priority`, by table.
    package var rules: [Int: Set<RuleState>]
    /// Links on which a DHCP client runs.
    package var dhcpClients: Set<String>
    /// Links on which a DHCPv6 client runs.
    package var dhcp6Clients: Set<String> = []
    /// Whether the host has a program for that. Without one none is planned: what was committed before comes up with what
    /// routers advertise.
    package var hasDHCP6Program = true
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

extension NetworkState {
    /// The journal of an older agent knows of no DHCPv6 clients.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        links = try values.decode([String: LinkState].self, forKey: .links)
        routes = try values.decode(RouteTable.self, forKey: .routes)
        rules = try values.decode([Int: Set<RuleState>].self, forKey: .rules)
        dhcpClients = try values.decode(Set<String>.self, forKey: .dhcpClients)
        dhcp6Clients = try values.decodeIfPresent(Set<String>.self, forKey: .dhcp6Clients) ?? []
        hasDHCP6Program = try values.decodeIfPresent(Bool.self, forKey: .hasDHCP6Program) ?? true
        nameservers = try values.decode([String].self, forKey: .nameservers)
        newLinkIPv6 = try values.decode(IPv6Settings.self, forKey: .newLinkIPv6)
    }
}
