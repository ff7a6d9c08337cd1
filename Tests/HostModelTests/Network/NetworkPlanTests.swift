import Testing

@testable import HostModel

/// Goldens of plans: the steps as a person reads them. Each one is also undone, step for step.
@Suite struct NetworkPlanTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var start: NetworkState
        var owned: [WantedNetwork] = []
        var ownedBonds: [WantedBond] = []
        var request: [String: [String: AttributeValue]]
        var bondings: [String: [String: AttributeValue]] = [:]
        var steps: String
    }

    @Test(arguments: cases)
    func plans(_ sample: Case) throws {
        let plan = try plan(sample)
        #expect(plan.steps.map(\.description).joined(separator: "\n") == sample.steps)
        #expect(plan.deviations(in: plan.expected).isEmpty)
    }

    @Test("the way back leads back, from the end and from every step on the way", arguments: cases)
    func undoes(_ sample: Case) throws {
        let plan = try plan(sample)
        #expect(sample.start.after(plan.steps).after(plan.undo).comparable == sample.start.comparable)
        for count in 0..<plan.steps.count {
            let reached = sample.start.after(plan.steps.prefix(count))
            let back = reached.after(plan.comingBack(from: reached))
            #expect(back.comparable == sample.start.comparable, "after \(count) steps")
        }
    }

    @Test("planning again from the expected end finds nothing to do", arguments: cases)
    func settles(_ sample: Case) throws {
        let plan = try plan(sample)
        let owned = try change(sample).desired
        let again = try NetworkChange(
            networks: sample.request.filter { $0.value["remove"] == nil }.mapValues { NetworkAttributes($0) },
            bondings: sample.bondings.filter { $0.value["remove"] == nil }.mapValues { NetworkAttributes($0) },
            owned: owned,
            state: plan.expected
        )
        #expect(NetworkPlan.change(again, owned: owned, from: plan.expected).steps.map(\.description) == [])
    }

    @Test("a state that differs is seen", arguments: cases.filter { !$0.steps.isEmpty })
    func deviates(_ sample: Case) throws {
        let plan = try plan(sample)
        if plan.steps.contains(where: { !$0.isAddressing }) {
            #expect(!plan.deviations(in: sample.start).isEmpty)
        }
    }

    private func plan(_ sample: Case) throws -> NetworkPlan {
        NetworkPlan.change(try change(sample), owned: owned(sample), from: sample.start)
    }

    private func change(_ sample: Case) throws -> NetworkChange {
        try NetworkChange(
            networks: sample.request.mapValues { NetworkAttributes($0) },
            bondings: sample.bondings.mapValues { NetworkAttributes($0) },
            owned: owned(sample),
            state: sample.start
        )
    }

    private func owned(_ sample: Case) -> OwnedNetworks {
        OwnedNetworks(
            networks: Dictionary(uniqueKeysWithValues: sample.owned.map { ($0.name, $0) }),
            bonds: Dictionary(uniqueKeysWithValues: sample.ownedBonds.map { ($0.name, $0) })
        )
    }

    @Test("what routers advertise while a change is under way is no deviation, where the network takes it")
    func advertised() throws {
        for key in ["ipv6autoconf", "dhcpv6"] {
            var attributes: [String: AttributeValue] = ["nic": "eth1", key: "true"]
            func plan() throws -> NetworkPlan {
                let start = NetworkState.booted(dhcp: false)
                let change = try NetworkChange(
                    networks: ["n": NetworkAttributes(attributes)],
                    bondings: [:],
                    owned: OwnedNetworks(),
                    state: start
                )
                return NetworkPlan.change(change, owned: OwnedNetworks(), from: start)
            }
            let route = RouteState(
                destination6: .everything,
                gateway: IPv6Address("fe80::1"),
                link: "n",
                origin: RouteState.advertised
            )
            var taking = try plan()
            var state = taking.expected
            state.routes.insert(route)
            #expect(taking.deviations(in: state) == [])
            attributes = ["nic": "eth1", "ipv6addr": "2001:db8::5/64"]
            taking = try plan()
            state = taking.expected
            state.routes.insert(route)
            #expect(taking.deviations(in: state) == [.removeRoute(route)])
        }
    }
}
