import Testing

@testable import HostModel

/// VDSM's rules and their codes (ovirt.md 6.3).
@Suite struct NetworkChangeTests {
    struct Case: CustomTestStringConvertible {
        var code: NetworkRefusal.Code
        var testDescription: String
        var networks: [String: [String: AttributeValue]]
        var bondings: [String: [String: AttributeValue]] = [:]

        init(
            _ code: NetworkRefusal.Code,
            _ name: String,
            _ networks: [String: [String: AttributeValue]],
            bondings: [String: [String: AttributeValue]] = [:]
        ) {
            (self.code, testDescription, self.networks, self.bondings) = (code, name, networks, bondings)
        }
    }

    @Test(arguments: [
        Case(.badParameters, "bridgeless without southbound", ["n": ["bridged": "false"]]),
        Case(.badParameters, "nic and bonding", ["n": ["nic": "eth1", "bonding": "bond0"]]),
        Case(.badParameters, "remove with more", ["ovirtmgmt": ["remove": "true", "nic": "eth0"]]),
        Case(.badParameters, "bridged", ["n": ["bridged": "maybe"]]),
        Case(.badParameters, "stp", ["n": ["stp": "perhaps"]]),
        Case(.badParameters, "mtu", ["n": ["mtu": "67"]]),
        Case(.badParameters, "mtu is no number", ["n": ["mtu": "big"]]),
        Case(.badParameters, "bootproto", ["n": ["nic": "eth1", "bootproto": "bootp"]]),
        Case(.badParameters, "ovs", ["n": ["nic": "eth1", "switch": "ovs"]]),
        Case(.badParameters, "hostQos", ["n": ["nic": "eth1", "hostQos": .map([:])]]),
        Case(.badParameters, "bridge_opts", ["n": ["nic": "eth1", "custom": .map(["bridge_opts": "a=b"])]]),
        Case(.badParameters, "two untagged on one nic", ["a": ["nic": "eth1"], "b": ["nic": "eth1"]]),
        Case(
            .badParameters,
            "the same vlan twice",
            ["a": ["nic": "eth1", "vlan": "3"], "b": ["nic": "eth1", "vlan": "3"]]
        ),
        Case(.badParameters, "on a nic that a network has", ["a": ["nic": "eth0"]]),
        Case(
            .badParameters,
            "two default routes",
            ["a": ["nic": "eth1", "defaultRoute": "true"], "b": ["defaultRoute": "true"]]
        ),
        Case(.badParameters, "nameservers off the default route", ["n": ["nameservers": .list(["10.0.0.1"])]]),
        Case(
            .badParameters,
            "netmask and prefix",
            [
                "n": ["nic": "eth1", "ipaddr": "10.0.0.2", "netmask": "255.0.0.0", "prefix": "8"]
            ]
        ),
        Case(.badAddress, "bad nameserver", ["n": ["defaultRoute": "true", "nameservers": .list(["x"])]]),
        Case(.badAddress, "only gateway", ["n": ["nic": "eth1", "gateway": "10.0.0.1"]]),
        Case(.badAddress, "only netmask", ["n": ["nic": "eth1", "netmask": "255.0.0.0"]]),
        Case(.badAddress, "no netmask", ["n": ["nic": "eth1", "ipaddr": "10.0.0.2"]]),
        Case(.badAddress, "256", ["n": ["nic": "eth1", "ipaddr": "10.0.0.256", "prefix": "8"]]),
        Case(.badAddress, "five octets", ["n": ["nic": "eth1", "ipaddr": "10.0.0.2.1", "prefix": "8"]]),
        Case(.badAddress, "three octets", ["n": ["nic": "eth1", "ipaddr": "10.0.0", "prefix": "8"]]),
        Case(.badAddress, "holes in the mask", ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "netmask": "255.0.255.0"]]),
        Case(.badAddress, "prefix 33", ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "33"]]),
        Case(
            .badAddress,
            "gateway elsewhere",
            [
                "n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "24", "gateway": "10.0.1.1"]
            ]
        ),
        Case(
            .badAddress,
            "static and dhcp",
            [
                "n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "24", "bootproto": "dhcp"]
            ]
        ),
        Case(.badAddress, "IPv6", ["n": ["nic": "eth1", "ipv6addr": "2001:db8::1/64"]]),
        Case(.badNIC, "no such nic", ["n": ["nic": "eth7"]]),
        Case(.badNIC, "a bridge is no nic", ["n": ["nic": "ovirtmgmt"]]),
        Case(.badNIC, "the loopback is no nic", ["n": ["nic": "lo"]]),
        Case(.usedNIC, "in a bridge of somebody else", ["n": ["nic": "eth2"]]),
        Case(.badBonding, "no such bond", ["n": ["bonding": "bond0"]]),
        Case(.badBonding, "bond name", ["n": ["bonding": "jamesbond007"]]),
        Case(.badBonding, "bonds are a later step", [:], bondings: ["bond0": ["nics": .list(["eth1"])]]),
        Case(.badVLAN, "vlan without southbound", ["n": ["vlan": "3"]]),
        Case(.badVLAN, "vlan 4095", ["n": ["nic": "eth1", "vlan": "4095"]]),
        Case(.badVLAN, "vlan text", ["n": ["nic": "eth1", "vlan": "blue"]]),
        Case(.badBridge, "16 characters", ["abcdefghijklmnop": [:]]),
        Case(.badBridge, "blank", ["a b": [:]]),
        Case(.badBridge, "dot", ["a.b": [:]]),
        Case(.badBridge, "colon", ["a:b": [:]]),
        Case(.badBridge, "hyphen first", ["-a": [:]]),
        Case(.badBridge, "slash", ["../x": [:]]),
        Case(.badBridge, "name of a nic", ["eth1": [:]]),
        Case(.badBridge, "removal of what is not there", ["nope": ["remove": "true"]]),
    ])
    func refuses(_ sample: Case) {
        var state = NetworkState.bridged
        state.links["eth2"] = LinkState(name: "eth2", master: "br-foreign")
        state.links["br-foreign"] = LinkState(name: "br-foreign", kind: .bridge(BridgeOptions()))
        let refusal = #expect(throws: NetworkRefusal.self) {
            try NetworkChange(
                networks: sample.networks.mapValues { NetworkAttributes($0) },
                bondings: sample.bondings.mapValues { NetworkAttributes($0) },
                owned: ["ovirtmgmt": .management],
                state: state
            )
        }
        #expect(refusal?.code == sample.code, "\(refusal?.message ?? "")")
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
            owned: ["ovirtmgmt": .management],
            state: .bridged
        )
        #expect(change.desired["ovirtmgmt"]?.defaultRoute == false)
        #expect(change.wanted.map(\.name) == ["wan", "ovirtmgmt"])
    }
}
