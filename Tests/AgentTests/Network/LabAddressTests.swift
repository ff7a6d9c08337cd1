import AgentWire
import HostModel
import Testing

@testable import Agent

/// static ip of the acceptance list, with source routing.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabAddressTests {
    /// Ways to stand: the attributes, and the carrier of a bridgeless one.
    private static let ways = [
        (#""nic": "eth0""#, "eth0"), (#""nic": "eth0", "vlan": 5"#, "eth0.5"), (#""bonding": "bond0""#, "bond0"),
        (#""bonding": "bond0", "vlan": 5"#, "bond0.5"),
    ]
    private static let four = #""ipaddr": "10.1.0.2", "netmask": "255.255.255.0""#
    private static let six = #""ipv6addr": "2001:db8:0:0:0::2/64""#
    private static let bond = #""bond0": {"nics": ["eth1", "eth2"], "options": "mode=1 miimon=100"}"#

    @Test("static ip: v4, v6, both, and back to v4", arguments: ways, [true, false])
    func families(way: (String, String), bridged: Bool) async throws {
        let host = try await LabHost()
        if way.1.hasPrefix("bond") { try await host.setup(bonds: Self.bond) }
        for addresses in [Self.four, Self.six, "\(Self.four), \(Self.six)", Self.four] {
            try await host.setup(#""n": {\#(way.0), "bridged": \#(bridged), \#(addresses)}"#)
            let judge = try await Judge.now()
            #expect(judge.hasIPv6(bridged ? "n" : way.1) == addresses.contains("ipv6addr"))
            if bridged { #expect(!judge.hasIPv6(way.1) && judge.addresses(way.1) == []) }
        }
        try await host.setup(#""n": {\#(way.0), "bridged": \#(bridged)}"#)
        try await host.setup(#""n": {"remove": true}"#)
    }

    @Test("static ip: another address in the same subnet, by prefix; the base of a VLAN keeps its own")
    func edits() async throws {
        let host = try await LabHost()
        try await host.setup(
            #""n": {"bonding": "bond0", \#(Self.four)}, "v": {"bonding": "bond0", "vlan": 3}"#,
            bonds: Self.bond
        )
        try await host.setup(#""n": {"bonding": "bond0", "ipaddr": "10.1.0.3", "prefix": 24}"#)
        try await host.setup(#""v": {"bonding": "bond0", "vlan": 3, "ipaddr": "10.3.0.2", "prefix": 16}"#)
        try await host.setup(#""n": {"bonding": "bond0"}"#)
        let judge = try await Judge.now()
        #expect(judge.addresses("n") == [] && judge.addresses("v") == ["10.3.0.2/16"])
    }

    @Test("static ip: gateways and their own tables; the default route moves, and the first keeps its gateway")
    func gateways() async throws {
        let host = try await LabHost()
        let a = #""nic": "eth0", "ipaddr": "10.1.0.2", "prefix": 24, "gateway": "10.1.0.1""#
        let b = #""nic": "eth1", "bridged": false, "ipaddr": "10.2.0.2", "prefix": 24, "gateway": "10.2.0.1""#
        try await host.setup(#""a": {\#(a), "defaultRoute": true}, "b": {\#(b)}"#)
        var judge = try await Judge.now()
        #expect(judge.isDefault("a", "10.1.0.1") && !judge.isDefault("eth1", "10.2.0.1"))
        #expect(judge.sourceGateway("a") == "10.1.0.1" && judge.sourceGateway("eth1") == "10.2.0.1")
        let table = RuleState.table(of: "eth1")
        let rules = try LabProgram.command(["ip", "rule"])
        #expect(
            rules.contains("3200:\tfrom 10.2.0.0/24 lookup \(table)")
                && rules.contains("3200:\tfrom all to 10.2.0.0/24 lookup \(table)")
        )
        try await host.setup(#""b": {\#(b), "defaultRoute": true}"#)
        judge = try await Judge.now()
        #expect(!judge.isDefault("a", "10.1.0.1") && judge.isDefault("eth1", "10.2.0.1"))
        #expect(judge.sourceGateway("a") == "10.1.0.1")
        try await host.setup(
            #""b": {"nic": "eth1", "bridged": false, "ipaddr": "10.2.0.2", "prefix": 24, "gateway": "10.2.0.9", "defaultRoute": true}"#
        )
        #expect(try await Judge.now().sourceGateway("eth1") == "10.2.0.9")
        try await host.setup(#""a": {"nic": "eth0", "ipaddr": "10.1.0.2", "prefix": 24}"#)
        #expect(try await Judge.now().sourceGateway("a") == nil)
        try await host.setup(#""a": {"remove": true}"#)
        #expect(try await Judge.now().isDefault("eth1", "10.2.0.9"), "what another network does leaves it alone")
        try await host.setup(#""b": {"remove": true}"#)
        #expect(try !LabProgram.command(["ip", "rule"]).contains("3200:"))
    }

    @Test("static ip: an IPv6 gateway with the default route")
    func gateway6() async throws {
        let host = try await LabHost()
        try await host.setup(#""n": {"nic": "eth0", \#(Self.six), "ipv6gateway": "2001:db8::1", "defaultRoute": true}"#)
        #expect(try await Judge.now().isDefault("n", "2001:db8::1"))
        try await host.setup(#""n": {"nic": "eth0", \#(Self.six)}"#)
        #expect(try await !Judge.now().isDefault("n", "2001:db8::1"))
    }

    @Test(
        "static ip: a nic with addresses becomes a network's, or a slave",
        arguments: ["", #", "ipaddr": "10.1.0.2", "prefix": 24"#]
    )
    func acquires(addresses: String) async throws {
        let host = try await LabHost()
        for nic in ["eth0", "eth1"] {
            try await host.ip("address add 10.5.0.2/24 dev \(nic)")
            try await host.ip("address add 2001:db8:5::2/64 dev \(nic)")
        }
        try await host.setup(
            #""n": {"nic": "eth0"\#(addresses)}"#,
            bonds: #""bond0": {"nics": ["eth1", "eth2"]}"#
        )
        let judge = try await Judge.now()
        #expect(judge.addresses("eth0") == [] && judge.addresses("eth1") == [])
    }

    @Test("static ip: what is wrong with addresses is 22")
    func refusals() async throws {
        let host = try await LabHost()
        for wrong in [
            #""ipaddr": "10.1.0.2""#, #""gateway": "10.1.0.1""#, #""netmask": "255.255.255.0""#,
            #""ipaddr": "10.1.0.256", "prefix": 24"#, #""ipaddr": "10.1.0.2.1", "prefix": 24"#,
            #""ipaddr": "10.1.0", "prefix": 24"#,
            #""ipaddr": "10.1.0.2", "netmask": "255.255.256.0""#,
            #""ipaddr": "10.1.0.2", "prefix": 24, "bootproto": "dhcp""#,
        ] {
            #expect(try await host.code(#""n": {"nic": "eth0", \#(wrong)}"#) == 22, "\(wrong)")
        }
    }
}
