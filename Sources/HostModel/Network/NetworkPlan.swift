/// What to do to come from one network state to another, and what takes it back: printable, and testable without root.
package struct NetworkPlan: Hashable, Sendable, Codable {
    /// In the order in which they are done. Empty when nothing is to do.
    package private(set) var steps: [NetworkStep] = []
    /// In the order in which they are done to come back, from whatever step was the last.
    package private(set) var undo: [NetworkStep] = []
    /// The state after the last step, as the kernel will have it.
    package private(set) var expected: NetworkState

    package init(from state: NetworkState) { expected = state }

    mutating func add(_ step: NetworkStep) {
        undo = expected.undoing(step) + undo
        expected = expected.applying(step)
        steps.append(step)
    }

    /// The plan of a change. `owned` are the networks as they stand now.
    package static func change(
        _ change: NetworkChange,
        owned: [String: WantedNetwork],
        from state: NetworkState
    ) -> NetworkPlan {
        var plan = NetworkPlan(from: state)
        for network in change.removed { plan.tearDown(network, keeping: change.desired) }
        // What stands on another device now is taken down before anything is built: its device may be wanted.
        var carried: [String: Carried] = [:]
        for network in change.wanted {
            guard let old = owned[network.name], !old.hasForm(of: network) else { continue }
            carried[network.name] = Carried(from: old.carrier, in: plan.expected)
            plan.tearDown(old, keeping: change.desired)
        }
        for network in change.wanted {
            plan.build(network, among: change.desired, carried: carried[network.name])
        }
        for base in change.bases { plan.settleMTU(of: base, among: change.desired) }
        return plan
    }

    /// Which of the expected end is not so in a fresh dump: one sentence each; empty when the change is in the kernel.
    ///
    /// Looks at the links that the plan touched. Addresses and routes of a link with a DHCP client are the client's.
    package func deviations(in actual: NetworkState) -> [String] {
        let touched = Set(steps.compactMap(\.link))
        var sentences: [String] = []
        for name in touched.sorted() {
            guard let want = expected.links[name] else {
                if actual.links[name] != nil { sentences.append("\(name) is still there") }
                continue
            }
            guard let have = actual.links[name] else {
                sentences.append("\(name) is missing")
                continue
            }
            sentences += want.deviations(of: have, ignoringAddresses: expected.dhcpClients.contains(name))
        }
        for case .addRoute(let route) in steps where expected.routes.contains(route) {
            guard !expected.dhcpClients.contains(route.link), !actual.routes.contains(route) else { continue }
            sentences.append("the route \(route) is missing")
        }
        return sentences
    }
}

/// What a network carried before it was taken down, so that its successor starts with the same lease.
struct Carried {
    var addresses: [IPv4Network]
    var routes: [RouteState]

    init(from link: String, in state: NetworkState) {
        addresses = state.links[link]?.addresses ?? []
        routes = state.routes(via: link)
    }
}

extension NetworkChange {
    /// The links below every network that the change names, sorted.
    var bases: [String] { Set((wanted + removed).compactMap { $0.southbound?.link }).sorted() }
}

extension WantedNetwork {
    /// Whether the links of both are the same; only addresses, MTU and options may differ.
    func hasForm(of other: WantedNetwork) -> Bool { bridged == other.bridged && device == other.device }
}

extension NetworkStep {
    /// The link that the step is about.
    var link: String? {
        switch self {
        case .createBridge(let name, _, _), .createVLAN(let name, _, _), .deleteLink(let name),
            .setBridgeOptions(let name, _):
            name
        case .setMTU(let link, _), .setUp(let link, _), .setMaster(let link, _), .setIPv6(let link, _),
            .addAddress(let link, _), .removeAddress(let link, _), .startDHCP(let link), .stopDHCP(let link):
            link
        case .addRoute, .removeRoute, .setNameservers: nil
        }
    }
}

extension LinkState {
    fileprivate func deviations(of have: LinkState, ignoringAddresses: Bool) -> [String] {
        var sentences: [String] = []
        if have.mtu != mtu { sentences.append("\(name) has mtu \(have.mtu), not \(mtu)") }
        if have.isUp != isUp { sentences.append("\(name) is \(have.isUp ? "up" : "down")") }
        if have.master != master { sentences.append("\(name) is \(have.master.map { "in \($0)" } ?? "in no bridge")") }
        if !ignoringAddresses, Set(have.addresses) != Set(addresses) {
            sentences.append("\(name) has \(have.addresses.map(\.description)), not \(addresses.map(\.description))")
        }
        if case .bridge(let want) = kind {
            guard case .bridge(let options) = have.kind else { return sentences + ["\(name) is no bridge"] }
            if options.stp != want.stp { sentences.append("\(name) has spanning tree \(options.stp ? "on" : "off")") }
        }
        return sentences
    }
}
