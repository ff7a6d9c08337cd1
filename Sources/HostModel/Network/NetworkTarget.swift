/// The state that a change asks for: the present one, without what goes, with what comes. Pure; how to get there is
/// `NetworkDiff`'s.
struct NetworkTarget {
    let change: NetworkChange
    let owned: OwnedNetworks
    let before: NetworkState
    /// What is asked for.
    private(set) var state: NetworkState
    /// Links that are made, changed, or taken away.
    private(set) var touched: Set<String> = []
    /// The networks of the end by the link below them, and by their device.
    private let byBase: [String: [WantedNetwork]]
    private let devices: Set<String>
    /// Ports by master, in `state`.
    private var ports: [String: Set<String>]
    /// VLAN devices by base, before.
    private let vlans: [String: [String]]
    /// What a network carried that is taken down first, for its successor.
    private var carried: [String: Carried] = [:]

    init(_ change: NetworkChange, owned: OwnedNetworks, from state: NetworkState) {
        (self.change, self.owned, before, self.state) = (change, owned, state, state)
        let standing = change.desired.networks.values
        byBase = Dictionary(grouping: standing.filter { $0.southbound != nil }) { $0.southbound?.link ?? "" }
        devices = Set(standing.compactMap(\.device))
        ports = state.portsByMaster().mapValues(Set.init)
        var vlans: [String: [String]] = [:]
        for link in state.links.values {
            if let base = link.vlanBase { vlans[base, default: []].append(link.name) }
        }
        self.vlans = vlans
    }

    mutating func build() {
        for network in change.removed { takeDown(network) }
        for network in change.wanted {
            guard let old = owned.networks[network.name], !old.hasForm(of: network) else { continue }
            carried[network.name] = Carried(from: old.carrier, in: before)
            takeDown(old)
        }
        for bond in change.removedBonds { takeDown(bond) }
        for bond in change.wantedBonds { build(bond) }
        for network in change.wanted { build(network) }
        settleMTUs()
        settleShaping()
        for name in touched where state.links[name].map({ $0.mtu < LinkState.ipv6MTUMin }) ?? false {
            edit(name) { ($0.ipv6.isEnabled, $0.ipv6Addresses) = (false, []) }
            state.dhcp6Clients.remove(name)
        }
        for network in change.wanted where !network.nameservers.isEmpty { state.nameservers = network.nameservers }
    }

    /// Changes a link that is there.
    mutating func edit(_ name: String, _ body: (inout LinkState) -> Void) {
        guard var link = state.links[name] else { return }
        body(&link)
        state.links[name] = link
        touched.insert(name)
    }

    mutating func make(_ link: LinkState) {
        state.links[link.name] = link
        touched.insert(link.name)
    }

    mutating func delete(_ name: String) {
        clear(name)
        setMaster(of: name, nil)
        for port in ports[name] ?? [] { setMaster(of: port, nil) }
        ports[name] = nil
        state.links[name] = nil
        touched.insert(name)
    }

    mutating func setMaster(of name: String, _ master: String?) {
        let old = state.links[name]?.master
        guard old != master else { return }
        if let old { ports[old]?.remove(name) }
        if let master { ports[master, default: []].insert(name) }
        edit(name) { $0.master = master }
    }

    func isPort(_ name: String, of master: String) -> Bool { ports[master]?.contains(name) == true }
    func ports(of master: String) -> Set<String> { ports[master] ?? [] }
    func vlans(on base: String) -> [String] { vlans[base] ?? [] }
    func networks(on base: String) -> [WantedNetwork] { byBase[base] ?? [] }

    /// Whether a network of the end stands on the device.
    func isCarrier(_ device: String) -> Bool { devices.contains(device) }

    /// What the network's links carried before, when they were taken down first.
    func taken(_ network: WantedNetwork) -> Carried? { carried[network.name] }

    /// Takes every route, rule, address and client from a link.
    mutating func clear(_ name: String) {
        state.routes.removeAll(on: name)
        dropRules(of: name)
        state.dhcpClients.remove(name)
        state.dhcp6Clients.remove(name)
        edit(name) { ($0.addresses, $0.ipv6Addresses) = ([], []) }
    }

    mutating func dropRules(of carrier: String) {
        let table = RuleState.table(of: carrier)
        state.rules[table] = nil
        state.routes.removeAll(on: carrier) { $0.table == table }
        touched.insert(carrier)
    }

    mutating func add(_ route: RouteState) {
        if let old = state.routes.insert(route) { touched.insert(old.link) }
        touched.insert(route.link)
    }

    mutating func remove(_ route: RouteState) {
        state.routes.remove(route)
        touched.insert(route.link)
    }

    mutating func add(_ rule: RuleState) { state.rules[rule.table, default: []].insert(rule) }

    mutating func startClient(on link: String) {
        state.dhcpClients.insert(link)
        touched.insert(link)
    }

    /// The client of IPv6 is where it is wanted, and nowhere else.
    mutating func setClient6(on link: String, isWanted: Bool) {
        guard state.dhcp6Clients.contains(link) != isWanted else { return }
        if isWanted { state.dhcp6Clients.insert(link) } else { state.dhcp6Clients.remove(link) }
        touched.insert(link)
    }

    mutating func stopClient(on link: String) {
        guard state.dhcpClients.remove(link) != nil else { return }
        touched.insert(link)
    }

    /// A base has the largest MTU of what stands on it, and 1500 when nothing does (ovirt.md 6.4); slaves have their
    /// bond's. A stranger's VLAN counts, because the kernel would lower it along with its base.
    private mutating func settleMTUs() {
        // Bonds first: slaves follow.
        for base in bases().sorted(by: { floor($0) > floor($1) }) {
            guard let link = state.links[base] else { continue }
            if let master = link.master, let bond = state.links[master], bond.isBond {
                edit(base) { $0.mtu = bond.mtu }
            } else {
                let strangers = vlans(on: base).filter { !isCarrier($0) }.compactMap { state.links[$0]?.mtu }
                let largest = (networks(on: base).map(\.mtu) + strangers).max() ?? WantedNetwork.mtuDefault
                edit(base) { $0.mtu = largest }
                // The kernel may give its bridge the same, which has one of its own.
                if let master = link.master, state.links[master] != nil { touched.insert(master) }
                if link.isBond { for slave in ports(of: base) { edit(slave) { $0.mtu = largest } } }
            }
        }
    }

    /// What the networks of the change stand on, or stood on.
    func bases() -> Set<String> {
        var bases: Set<String> = []
        for network in change.wanted + change.removed + change.wanted.compactMap({ owned.networks[$0.name] }) {
            if let base = network.southbound?.link { bases.insert(base) }
        }
        for bond in change.wantedBonds + change.removedBonds + change.wantedBonds.compactMap({ owned.bonds[$0.name] }) {
            bases.insert(bond.name)
            bases.formUnion(bond.nics)
            bases.formUnion(before.ports(of: bond.name))
        }
        return bases
    }

    private func floor(_ name: String) -> Int { state.links[name]?.floor ?? 0 }
}

/// What a network carried before it was taken down, so that its successor starts with the same lease.
struct Carried {
    var addresses: [IPv4Network]
    var routes: [RouteState]

    init(from link: String, in state: NetworkState) {
        addresses = state.links[link]?.addresses ?? []
        // Those of source routing belong to the link's name, and are made anew.
        let table = RuleState.table(of: link)
        routes = state.routes(via: link).filter { $0.isIPv4 && $0.table != table }
    }
}
