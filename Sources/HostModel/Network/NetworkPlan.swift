/// What to do to come from one network state to another, and what takes it back: printable, and testable without root.
package struct NetworkPlan: Hashable, Sendable, Codable {
    /// In the order in which they are done. Empty when nothing is to do.
    package private(set) var steps: [NetworkStep]
    /// In the order in which they are done to come back from the end.
    package private(set) var undo: [NetworkStep]
    /// The state before, as far as the plan touches it: what a change that broke off anywhere is taken back to.
    package private(set) var before: NetworkState
    /// The state after the last step, as the kernel will have it.
    package private(set) var expected: NetworkState
    /// The links that the plan is about.
    package private(set) var touched: Set<String>

    /// The plan of a change. `owned` are the networks as they stand now.
    package static func change(
        _ change: NetworkChange,
        owned: OwnedNetworks,
        from state: NetworkState
    ) -> NetworkPlan {
        var target = NetworkTarget(change, owned: owned, from: state)
        target.build()
        return NetworkPlan(from: state, to: target.state, touching: target.touched)
    }

    /// The plan between two states of some links; other links are nobody's business.
    package init(from before: NetworkState, to after: NetworkState, touching links: Set<String>) {
        var forth = NetworkDiff(from: before, to: after, touching: links)
        steps = forth.run()
        // A bond that went down took more along than was asked for.
        touched = forth.touched
        // Addresses of slaves that left, and what else the kernel decides, are as the steps leave them.
        var end = forth.end
        for name in touched where after.links[name]?.mac == nil { end.links[name]?.mac = nil }
        expected = end
        var back = NetworkDiff(from: forth.end, to: before, touching: touched)
        undo = back.run()
        self.before = before.restricted(to: touched)
    }

    /// What is to do to come back from wherever a broken change ended.
    package func comingBack(from state: NetworkState) -> [NetworkStep] {
        Self.comingBack(from: state, to: before, touching: touched)
    }

    package static func comingBack(
        from state: NetworkState,
        to before: NetworkState,
        touching links: Set<String>
    ) -> [NetworkStep] {
        var back = NetworkDiff(from: state, to: before, touching: links)
        return back.run()
    }

    /// Which of the expected end is not so in a fresh dump: what is still to do; empty when the change is in the kernel.
    ///
    /// Looks at the links that the plan touched. Addresses, routes and rules of a link with a DHCP client are the client's,
    /// and so are the resolvers, once there is one.
    package func deviations(in actual: NetworkState) -> [NetworkStep] {
        let clients = expected.dhcpClients
        return Self.comingBack(from: actual, to: expected, touching: touched).filter { step in
            switch step {
            case .addRule(let rule), .removeRule(let rule):
                !clients.contains { RuleState.table(of: $0) == rule.table }
            // What routers have advertised since.
            case .removeRoute(let route) where route.origin == RouteState.advertised:
                !(expected.links[route.link]?.ipv6.takesAdvertisements ?? false)
            case .setNameservers: clients.isDisjoint(with: touched)
            default: step.link.map { !(step.isAddressing && clients.contains($0)) } ?? true
            }
        }
    }

    /// The plan as a person reads it: what is done, a line each, and what would take it back.
    package var text: String {
        guard !steps.isEmpty else { return "nothing to do\n" }
        return (["# to do"] + steps.map(\.description) + ["", "# to take it back"] + undo.map(\.description))
            .map { terminalEscaped($0) + "\n" }.joined()
    }
}

extension NetworkState {
    /// The part of some links, with their routes and rules, and what belongs to no link.
    func restricted(to links: Set<String>) -> NetworkState {
        var part = self
        part.links = self.links.filter { links.contains($0.key) }
        part.routes = RouteTable(links.sorted().flatMap { routes.on($0) })
        let tables = Set(links.map { RuleState.table(of: $0) })
        part.rules = rules.filter { tables.contains($0.key) }
        part.dhcpClients.formIntersection(links)
        part.dhcp6Clients.formIntersection(links)
        return part
    }
}
