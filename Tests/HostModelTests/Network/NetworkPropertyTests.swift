import Testing

@testable import HostModel

/// Random wanted states, one after another, on the kernel as `NetworkState.apply` plays it.
@Suite struct NetworkPropertyTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var value = state
            value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
            return value ^ value >> 33
        }
    }

    private static let nics = (0..<6).map { "eth\($0)" }

    private static var bare: NetworkState {
        NetworkState(
            links: nics.enumerated().map { number, name in
                LinkState(name: name, mac: MACAddress("52:54:00:00:00:0\(number)"), isUp: number % 2 == 0)
            },
            nameservers: ["10.0.0.53"]
        )
    }

    private func network(_ number: Int, _ random: inout Generator) -> [String: AttributeValue] {
        var values: [String: AttributeValue] = ["bridged": Bool.random(using: &random) ? "true" : "false"]
        let base = Self.nics.randomElement(using: &random) ?? "eth0"
        if Int.random(in: 0..<3, using: &random) > 0 {
            values["nic"] = .text(base)
        } else {
            values["bonding"] = .text("bond\(Int.random(in: 0..<2, using: &random))")
        }
        if Bool.random(using: &random) { values["vlan"] = .text("\(Int.random(in: 0..<4, using: &random))") }
        values["mtu"] = ["1500", "9000", "2000", "1000"].randomElement(using: &random)
        values["stp"] = Bool.random(using: &random) ? "on" : "off"
        switch Int.random(in: 0..<6, using: &random) {
        case 0: values["bootproto"] = "dhcp"
        case 1, 2:
            values["ipaddr"] = .text("10.\(number).0.\(Int.random(in: 2..<5, using: &random))")
            values["prefix"] = "24"
            if Bool.random(using: &random) { values["gateway"] = .text("10.\(number).0.1") }
        case 3 where values["mtu"] != "1000":
            values["ipv6addr"] = .text("2001:db8:\(number)::\(Int.random(in: 2..<5, using: &random))/64")
            values["ipv6gateway"] = .text("2001:db8:\(number)::1")
        case 4: values["dhcpv6"] = "true"
        default: break
        }
        if Int.random(in: 0..<6, using: &random) == 0 { values["defaultRoute"] = "true" }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let rate = ["8000", "16000000"].randomElement(using: &random) ?? "8000"
            values["hostQos"] = .map(["out": .map(["ls": .map(["m2": .text(rate)])])])
        }
        return values
    }

    private func bond(_ random: inout Generator) -> [String: AttributeValue] {
        let nics = Self.nics.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
        let options = [
            "mode=1 miimon=100", "mode=4 lacp_rate=fast", "mode=0", "mode=3 miimon=50", "mode=1 fail_over_mac=1",
        ]
        return [
            "nics": .list(nics.map(AttributeValue.text)), "options": .text(options.randomElement(using: &random) ?? ""),
        ]
    }

    private func request(_ owned: OwnedNetworks, _ random: inout Generator) -> (
        networks: [String: [String: AttributeValue]], bondings: [String: [String: AttributeValue]]
    ) {
        var networks: [String: [String: AttributeValue]] = [:]
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let number = Int.random(in: 0..<5, using: &random)
            let removes = owned.networks["net\(number)"] != nil && Int.random(in: 0..<3, using: &random) == 0
            networks["net\(number)"] = removes ? ["remove": "true"] : network(number, &random)
        }
        var bondings: [String: [String: AttributeValue]] = [:]
        if Bool.random(using: &random) {
            let name = "bond\(Int.random(in: 0..<2, using: &random))"
            let removes = owned.bonds[name] != nil && Int.random(in: 0..<3, using: &random) == 0
            bondings[name] = removes ? ["remove": "true"] : bond(&random)
        }
        return (networks, bondings)
    }

    @Test(
        "after any request the state is the wanted one, or the previous one; and from anywhere on the way there is a way back"
    )
    func alwaysOneOfTwo() throws {
        var random = Generator(state: 7)
        var (state, owned) = (Self.bare, OwnedNetworks())
        var taken = 0
        for round in 0..<3000 {
            let (networks, bondings) = request(owned, &random)
            let change: NetworkChange
            do throws(NetworkRefusal) {
                change = try NetworkChange(
                    networks: networks.mapValues { NetworkAttributes($0) },
                    bondings: bondings.mapValues { NetworkAttributes($0) },
                    owned: owned,
                    state: state
                )
            } catch { continue }
            taken += 1
            let plan = NetworkPlan.change(change, owned: owned, from: state)
            let reached = state.after(plan.steps)
            try #require(plan.deviations(in: reached) == [], "round \(round)")
            try check(change.desired, in: reached, round)
            let broken = Int.random(in: 0...plan.steps.count, using: &random)
            let halfway = state.after(plan.steps.prefix(broken))
            let back = halfway.after(plan.comingBack(from: halfway))
            try #require(
                back.comparable == state.comparable,
                "round \(round), back from step \(broken): \(differences(back.comparable, state.comparable))"
            )
            if round % 5 == 0 { continue }
            (state, owned) = (reached, change.desired)
            let again = NetworkPlan.change(try repeated(networks, bondings, owned, state), owned: owned, from: state)
            try #require(again.steps.map(\.description) == [], "round \(round), again")
        }
        #expect(taken > 500, "\(taken) requests were good")
    }

    private func differences(_ one: NetworkState, _ other: NetworkState) -> [String] {
        let names = Set(one.links.keys).union(other.links.keys).filter { one.links[$0] != other.links[$0] }
        return names.sorted().map { "\(one.links[$0] as Any) is not \(other.links[$0] as Any)" }
            + (one.routes == other.routes ? [] : ["routes"]) + (one.rules == other.rules ? [] : ["rules"])
    }

    private func repeated(
        _ networks: [String: [String: AttributeValue]],
        _ bondings: [String: [String: AttributeValue]],
        _ owned: OwnedNetworks,
        _ state: NetworkState
    ) throws -> NetworkChange {
        try NetworkChange(
            networks: networks.filter { $0.value["remove"] == nil }.mapValues { NetworkAttributes($0) },
            bondings: bondings.filter { $0.value["remove"] == nil }.mapValues { NetworkAttributes($0) },
            owned: owned,
            state: state
        )
    }

    private func check(_ desired: OwnedNetworks, in state: NetworkState, _ round: Int) throws {
        for bond in desired.bonds.values {
            let link = try #require(state.links[bond.name], "round \(round)")
            try #require(link.kind == .bond(bond.options) && link.isUp, "round \(round)")
            try #require(state.ports(of: bond.name) == bond.nics, "round \(round)")
        }
        for network in desired.networks.values {
            let carrier = try #require(state.links[network.carrier], "round \(round)")
            try #require(carrier.isUp && carrier.takesIPv6 == (network.addressing6.isAny && carrier.mtu >= 1280))
            if case .fixed(let address, _) = network.addressing { try #require(carrier.addresses == [address]) }
            if case .none = network.addressing { try #require(carrier.addresses == []) }
            try #require(carrier.ipv6Addresses == (network.addressing6.address.map { [$0] } ?? []), "round \(round)")
            try #require(state.dhcpClients.contains(network.carrier) == (network.addressing == .dhcp))
            let asks6 = network.addressing6.dhcp && carrier.takesIPv6
            try #require(state.dhcp6Clients.contains(network.carrier) == asks6, "round \(round)")
            if let device = network.device { try #require(state.links[device]?.isUp == true, "round \(round)") }
            let shares = network.southbound.flatMap { state.links[$0.link]?.shaping }
            try #require(
                shares?[TrafficClass.id(vlan: network.vlan)]?.linkShare?.m2 == network.hostQoS?.linkShare?.m2
                    || network.hostQoS == nil
            )
            if network.bridged {
                try #require(carrier.mtu == network.mtu, "round \(round)")
                if let device = network.device { try #require(state.links[device]?.master == network.name) }
            }
        }
    }

    @Test(
        "a plan for twice as many networks has twice as many steps, and four thousand are no trouble",
        arguments: [500, 1000]
    )
    func linear(count: Int) throws {
        func steps(_ count: Int) throws -> Int {
            var networks: [String: NetworkAttributes] = [:]
            for number in 0..<count {
                networks["n\(number)"] = NetworkAttributes(["bonding": "bond0", "vlan": .text("\(number + 1)")])
            }
            let bonds = ["bond0": NetworkAttributes(["nics": .list(["eth0", "eth1"]), "options": "mode=1"])]
            let change = try NetworkChange(
                networks: networks,
                bondings: bonds,
                owned: OwnedNetworks(),
                state: Self.bare
            )
            let plan = NetworkPlan.change(change, owned: OwnedNetworks(), from: Self.bare)
            #expect(plan.deviations(in: Self.bare.after(plan.steps)) == [])
            return plan.steps.count
        }
        let one = try steps(1)
        let two = try steps(2)
        #expect(try steps(count) == one + (count - 1) * (two - one))
    }
}

@Suite struct IPv6AddressTests {
    @Test(
        "RFC 5952",
        arguments: [
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0DB8::0001", "2001:db8::1"), ("::", "::"),
            ("::1", "::1"), ("1::", "1::"), ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::ffff:192.0.2.1", "::ffff:c000:201"), ("fe80::1", "fe80::1"),
        ]
    )
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == expected)
        #expect(IPv6Address(expected) == address)
        #expect(IPv6Address(octets: address.octets) == address)
    }

    @Test(
        arguments: [
            "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8::",
            "::1%eth0", "1.2.3.4", "::1.2.3", "::1.2.3.4:5", " ::1", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7",
        ]
    )
    func refuses(text: String) { #expect(IPv6Address(text) == nil) }

    @Test func networks() throws {
        let network = try #require(IPv6Network("2001:db8:1:2:3::5/70"))
        #expect(network.prefix.description == "2001:db8:1:2::/70")
        #expect(try network.contains(#require(IPv6Address("2001:db8:1:2:3ff::1"))))
        #expect(try !network.contains(#require(IPv6Address("2001:db8:1:2:400::1"))))
        #expect(IPv6Network("::/129") == nil && IPv6Network("::/01") == nil && IPv6Network("::") == nil)
    }

    @Test("VDSM's table of a link", arguments: [("eth0", 0x03F4_0172), ("a", 0x0062_0062), ("ovirtmgmt", 329_647_082)])
    func tables(name: String, table: Int) { #expect(RuleState.table(of: name) == table) }
}
