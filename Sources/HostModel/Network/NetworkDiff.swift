/// The steps from one network state to another, for some links. The order is the point: what goes makes room first, masters
/// come before ports, a base's MTU before that of what stands on it, and a new carrier has address and default route before
/// the old one loses them. Every step is done on a state as the kernel would, so that what the kernel takes along is put
/// back: routes of a bond that went down, the addresses of a subnet that lost its first one.
struct NetworkDiff {
    private(set) var steps: [NetworkStep] = []
    /// Where the steps lead.
    private(set) var end: NetworkState
    private(set) var touched: Set<String>
    let wanted: NetworkState
    /// From the wire up.
    private(set) var names: [String] = []
    /// Ports by master in `wanted`, of touched links only.
    private(set) var wantedPorts: [String: [String]] = [:]
    /// Links whose MTU or master a step has set.
    private var moved: Set<String> = []

    init(from state: NetworkState, to wanted: NetworkState, touching links: Set<String>) {
        (end, self.wanted, touched) = (state, wanted, links)
        for name in links where bounces(name) {
            for (vlan, link) in state.links where link.vlanBase == name { touched.insert(vlan) }
        }
        names = touched.map { (floor: floor($0), name: $0) }.sorted { ($0.floor, $0.name) < ($1.floor, $1.name) }
            .map(\.name)
        for name in names {
            if let master = wanted.links[name]?.master { wantedPorts[master, default: []].append(name) }
        }
    }

    private func floor(_ name: String) -> Int { (wanted.links[name] ?? end.links[name])?.floor ?? 0 }

    mutating func add(_ step: NetworkStep) {
        steps.append(step)
        end.apply(step)
        switch step {
        case .setMTU(let link, _), .setMaster(let link, _): moved.insert(link)
        default: break
        }
    }

    /// The whole way, once.
    mutating func run() -> [NetworkStep] {
        for link in end.dhcpClients.subtracting(wanted.dhcpClients).sorted() where touched.contains(link) {
            add(.stopDHCP(link: link))
        }
        for link in end.dhcp6Clients.subtracting(wanted.dhcp6Clients).sorted() where touched.contains(link) {
            add(.stopDHCP6(link: link))
        }
        dropRules()
        dismantle()
        raiseMTUs()
        shapeBonds()
        create()
        setOptions()
        fillBridges()
        setIPv6()
        bringUp()
        shape()
        addAddresses()
        addRoutes()
        addRules()
        removeStale()
        settle()
        for link in wanted.dhcpClients.subtracting(end.dhcpClients).sorted() where touched.contains(link) {
            add(.startDHCP(link: link))
        }
        for link in wanted.dhcp6Clients.subtracting(end.dhcp6Clients).sorted() where touched.contains(link) {
            add(.startDHCP6(link: link))
        }
        if wanted.nameservers != end.nameservers { add(.setNameservers(wanted.nameservers)) }
        return steps
    }

    /// Present and wanted state of the links that stay, from the wire up or down.
    private func staying(fromAbove: Bool = false) -> [(have: LinkState, want: LinkState)] {
        (fromAbove ? names.reversed() : names).compactMap { name in
            guard let have = end.links[name], let want = wanted.links[name] else { return nil }
            return (have, want)
        }
    }

    // MARK: What goes

    private mutating func dropRules() {
        for table in tables() {
            for rule in sorted((end.rules[table] ?? []).subtracting(wanted.rules[table] ?? [])) {
                add(.removeRule(rule))
            }
        }
    }

    private func tables() -> [Int] {
        guard !end.rules.isEmpty || !wanted.rules.isEmpty else { return [] }
        return names.map { RuleState.table(of: $0) }.filter { end.rules[$0] != nil || wanted.rules[$0] != nil }
    }

    private func sorted(_ rules: Set<RuleState>) -> [RuleState] { rules.sorted { $0.description < $1.description } }

    /// Deletes from above what is not wanted, or wanted as something else.
    private mutating func dismantle() {
        let ports = end.portsByMaster()
        for name in names.reversed() {
            guard let have = end.links[name], have.isMakeable, !survives(have) else { continue }
            for port in ports[name] ?? [] where end.links[port] != nil && survives(port) {
                add(.setMaster(link: port, master: nil))
            }
            add(.deleteLink(name: name))
        }
    }

    private func survives(_ name: String) -> Bool { end.links[name].map(survives) ?? false }

    private func survives(_ link: LinkState) -> Bool {
        guard touched.contains(link.name) else { return true }
        guard let want = wanted.links[link.name] else { return !link.isMakeable }
        switch (link.kind, want.kind) {
        case (.bridge, .bridge), (.bond, .bond): return true
        case (.vlan(let base, _), .vlan): return link.kind == want.kind && (end.links[base].map(survives) ?? true)
        case (.bridge, _), (.bond, _), (.vlan, _): return false
        default: return true
        }
    }

    // MARK: What stays, and what comes

    /// From the wire up. Slaves follow their bond.
    private mutating func raiseMTUs() {
        for (have, want) in staying() where have.mtu < want.mtu && have.mtu > 0 {
            if let master = have.master, end.links[master]?.isBond == true { continue }
            add(.setMTU(link: want.name, mtu: want.mtu))
        }
    }

    private mutating func create() {
        for name in names where end.links[name] == nil {
            guard let want = wanted.links[name] else { continue }
            switch want.kind {
            case .bridge(let options): add(.createBridge(name: name, mac: want.mac, mtu: want.mtu, options: options))
            case .vlan(let base, let id): add(.createVLAN(name: name, base: base, id: id, mtu: want.mtu))
            case .bond, .device, .loopback, .other: continue
            }
        }
    }

    /// Of bridges; and the addresses of bridges and bonds.
    private mutating func setOptions() {
        for (have, want) in staying() {
            if case .bridge(let from) = have.kind, case .bridge(let to) = want.kind, !from.isLike(to) {
                add(.setBridgeOptions(name: want.name, from: from, to: to))
            }
            guard have.isBridge || have.isBond, let mac = want.mac, end.links[want.name]?.mac != mac else { continue }
            add(.setMAC(link: want.name, mac))
        }
    }

    /// Ports of bridges; a link that comes from another master is taken out of it on the way.
    private mutating func fillBridges() {
        for (have, want) in staying() where have.master != want.master {
            if let master = want.master, wanted.links[master]?.isBond == true { continue }
            add(.setMaster(link: want.name, master: want.master))
        }
    }

    /// Before links come up: no link-local address is made that would have to go again.
    private mutating func setIPv6() {
        for (have, want) in staying() where !have.ipv6.isLike(want.ipv6) {
            add(.setIPv6(link: want.name, want.ipv6))
        }
    }

    private mutating func bringUp() {
        for name in names {
            guard end.links[name]?.isUp == false, wanted.links[name]?.isUp == true else { continue }
            add(.setUp(link: name, isUp: true))
        }
    }

    private mutating func shape() {
        for (have, want) in staying() where have.shaping != want.shaping {
            add(.setShaping(link: want.name, from: have.shaping, to: want.shaping))
        }
    }

    /// MTUs that are still not as wanted, from above; bridges last of all, whose MTU the kernel may have moved with that of
    /// their ports. And what is to be down.
    private mutating func settle() {
        for (have, want) in staying(fromAbove: true) where have.mtu != want.mtu && !have.isBridge {
            // A slave may have followed its bond since.
            guard end.links[want.name]?.mtu != want.mtu else { continue }
            add(.setMTU(link: want.name, mtu: want.mtu))
        }
        for (have, want) in staying() where have.isBridge && (have.mtu != want.mtu || isMoved(want)) {
            add(.setMTU(link: want.name, mtu: want.mtu))
        }
        for name in names.reversed() {
            guard end.links[name]?.isUp == true, wanted.links[name]?.isUp == false else { continue }
            add(.setUp(link: name, isUp: false))
        }
    }

    /// Whether a step on a port may have made the kernel choose another MTU for the bridge.
    private func isMoved(_ bridge: LinkState) -> Bool {
        guard let ports = wantedPorts[bridge.name] else { return false }
        return ports.contains { port in
            wanted.links[port]?.mtu != bridge.mtu && moved.contains(port)
        }
    }
}
