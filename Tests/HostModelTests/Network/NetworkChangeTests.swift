import Testing

@testable import HostModel

/// VDSM's rules and their codes (ovirt.md 6.3).
@Suite struct NetworkChangeTests {
    struct Case: CustomTestStringConvertible {
        var code: NetworkRefusal.Code
        var field: String
        var testDescription: String
        var networks: [String: [String: AttributeValue]]
        var bondings: [String: [String: AttributeValue]]
        /// A network of the host stands on bond0.
        var overBond: Bool

        init(
            _ code: NetworkRefusal.Code,
            _ field: String,
            _ name: String,
            _ networks: [String: [String: AttributeValue]] = [:],
            bondings: [String: [String: AttributeValue]] = [:],
            overBond: Bool = false
        ) {
            (self.code, self.field, testDescription) = (code, field, "\(code.rawValue): \(name)")
            (self.networks, self.bondings, self.overBond) = (networks, bondings, overBond)
        }
    }

    @Test(arguments: cases)
    func refuses(_ sample: Case) {
        var state = NetworkState.bridged
        state.links["eth1"]?.mtuMax = 9000
        state.links["eth2"] = LinkState(name: "eth2", master: "br-foreign")
        state.links["eth3"] = LinkState(name: "eth3")
        state.links["eth4"] = LinkState(name: "eth4", master: "bond0")
        state.links["enp129s0f1np1"] = LinkState(name: "enp129s0f1np1")
        state.links["bond0"] = LinkState(name: "bond0", kind: .bond(BondOptions()), isUp: true)
        state.links["vlan8"] = LinkState(name: "vlan8", kind: .vlan(base: "eth3", id: 8), master: "br-foreign")
        state.links["br-foreign"] = LinkState(name: "br-foreign", kind: .bridge(BridgeOptions()))
        var owned = OwnedNetworks(
            networks: ["ovirtmgmt": .management],
            bonds: ["bond0": WantedBond(name: "bond0", nics: ["eth4"])]
        )
        if sample.overBond { owned.networks["nine"] = .overBond }
        let refusal = #expect(throws: NetworkRefusal.self) {
            try NetworkChange(
                networks: sample.networks.mapValues { NetworkAttributes($0) },
                bondings: sample.bondings.mapValues { NetworkAttributes($0) },
                owned: owned,
                state: state
            )
        }
        #expect(refusal?.code == sample.code, "\(refusal?.description ?? "")")
        #expect(refusal?.field == sample.field, "\(refusal?.description ?? "")")
    }

    @Test("absent, empty and null-like values are the same")
    func emptyText() throws {
        let network = try WantedNetwork(
            name: "n",
            attributes: NetworkAttributes(["nic": "eth1", "vlan": "", "ipaddr": "", "ipv6gateway": "::", "mtu": "0"])
        )
        #expect(network == WantedNetwork(name: "n", southbound: .nic("eth1")))
    }

    @Test("a second network with the default route takes it from the first")
    func defaultRouteMoves() throws {
        let change = try NetworkChange(
            networks: ["wan": NetworkAttributes(["nic": "eth1", "defaultRoute": "true"])],
            bondings: [:],
            owned: OwnedNetworks(networks: ["ovirtmgmt": .management]),
            state: .bridged
        )
        #expect(change.desired.networks["ovirtmgmt"]?.defaultRoute == false)
        #expect(change.wanted.map(\.name) == ["wan", "ovirtmgmt"])
    }

    @Test(
        "F22: refused before anything is changed, and the field is named",
        arguments: [
            Case(
                .badParameters,
                "networks.n.vlan",
                "a VLAN id in use",
                ["n": ["nic": "eth1", "vlan": "3"], "m": ["nic": "eth1", "vlan": "3"]]
            ),
            Case(.badBridge, "networks.abcdefghijklmnop", "a name of 16 bytes", ["abcdefghijklmnop": ["nic": "eth1"]]),
            Case(
                .usedNIC,
                "bondings.bond9.nics",
                "a slave that is up and serves elsewhere",
                bondings: ["bond9": ["nics": .list(["eth0"])]]
            ),
            Case(.badParameters, "networks.n.mtu", "an MTU above the parent's", ["n": ["nic": "eth1", "mtu": "9001"]]),
            Case(.badNIC, "networks.n.nic", "a loop: a bridge over a bridge", ["n": ["nic": "ovirtmgmt"]]),
        ]
    )
    func faults(_ sample: Case) { refuses(sample) }

    @Test("VDSM judges links before addresses before the switch, whatever the names")
    func order() {
        func code(_ networks: [String: [String: AttributeValue]]) -> NetworkRefusal.Code? {
            do throws(NetworkRefusal) {
                _ = try NetworkChange(
                    networks: networks.mapValues { NetworkAttributes($0) },
                    bondings: [:],
                    owned: OwnedNetworks(),
                    state: .bridged
                )
            } catch { return error.code }
            return nil
        }
        let (address, link) =
            (["nic": "eth1", "gateway": "10.0.0.1"], ["vlan": "9"])
            as ([String: AttributeValue], [String: AttributeValue])
        #expect(code(["a": address, "b": link]) == .badVLAN)
        #expect(code(["a": ["nic": "eth1", "switch": "ovs", "gateway": "10.0.0.1"]]) == .badAddress)
    }

    @Test("a bond that a network stands on becomes ours with its address; a bond that had one given keeps it")
    func acquires() throws {
        let network = ["n": NetworkAttributes(["bonding": "bond0"])]
        let change = try NetworkChange(networks: network, bondings: [:], owned: OwnedNetworks(), state: .bonded)
        var expected = WantedBond.two
        expected.hwaddr = MACAddress("52:54:00:00:00:02")
        #expect(change.desired.bonds == ["bond0": expected])
        let again = try NetworkChange(
            networks: [:],
            bondings: ["bond0": NetworkAttributes(["nics": .list(["eth2"]), "options": "mode=1"])],
            owned: change.desired,
            state: .bonded
        )
        #expect(again.desired.bonds["bond0"]?.hwaddr == expected.hwaddr)
        let owned = try NetworkChange(
            networks: network,
            bondings: [:],
            owned: OwnedNetworks(bonds: ["bond0": .two]),
            state: .bonded
        )
        #expect(owned.wantedBonds == [], "it is ours, and stands")
    }

    @Test("without nameservers of its own the network with the default route keeps the host's")
    func nameservers() throws {
        let fixed: [String: AttributeValue] = [
            "nic": "eth1", "ipaddr": "192.0.2.2", "prefix": "24", "gateway": "192.0.2.1", "defaultRoute": "true",
        ]
        let change = try NetworkChange(
            networks: ["wan": NetworkAttributes(fixed)],
            bondings: [:],
            owned: OwnedNetworks(),
            state: .bridged
        )
        #expect(change.desired.networks["wan"]?.nameservers == ["10.77.0.53"])
    }

    @Test(
        "halves of the default route go with it: a network without it takes none over from its nic (R6)",
        arguments: ["true", "false"]
    )
    func halves(bridged: String) throws {
        var state = NetworkState.booted(dhcp: true)
        for way in ["0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8"] {
            let destination = try #require(IPv4Network(way))
            let gateway = IPv4Address("10.77.0.1")
            state.routes.insert(RouteState(destination: destination, gateway: gateway, link: "eth0", origin: 3))
        }
        for (isDefault, expected) in [("false", 1), ("true", 4)] {
            let asked: [String: AttributeValue] = [
                "nic": "eth0", "bootproto": "dhcp", "bridged": .text(bridged), "defaultRoute": .text(isDefault),
            ]
            let change = try NetworkChange(
                networks: ["n": NetworkAttributes(asked)],
                bondings: [:],
                owned: OwnedNetworks(),
                state: state
            )
            let plan = NetworkPlan.change(change, owned: OwnedNetworks(), from: state)
            #expect(plan.expected.routes.all.count == expected, "\(plan.expected.routes.all)")
        }
    }
}
