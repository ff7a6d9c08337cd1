import AgentWire
import HostModel
import Testing

@testable import Agent

/// net_basic, bridge, mtu, dns and rollback of the acceptance list.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabBasicTests {
    @Test("net_basic: add and remove a network on a nic", arguments: [true, false])
    func addRemove(bridged: Bool) async throws {
        let host = try await LabHost()
        let before = try await Judge.fingerprint()
        try await host.setup(#""net": {"nic": "eth0", "bridged": \#(bridged)}"#)
        #expect(try await Judge.now().has("net") == bridged)
        try await host.setup(#""net": {"nic": "eth0", "bridged": \#(bridged)}"#)
        try await host.setup(#""net": {"remove": true}"#)
        #expect(try await Judge.fingerprint() == before)
        #expect(try host.owned() == OwnedNetworks())
    }

    @Test("net_basic: change the VLAN tag", arguments: [true, false])
    func changeTag(bridged: Bool) async throws {
        let host = try await LabHost()
        try await host.setup(#""net": {"nic": "eth0", "vlan": "10", "bridged": \#(bridged)}"#)
        try await host.setup(#""net": {"nic": "eth0", "vlan": "11", "bridged": \#(bridged)}"#)
        let judge = try await Judge.now()
        #expect(!judge.has("eth0.10") && judge.has("eth0.11"))
    }

    @Test("net_basic: refusals leave the kernel as it is")
    func refusals() async throws {
        let host = try await LabHost()
        try await host.setup(#""own": {"nic": "eth5"}"#)
        for (code, networks) in [
            (23, #""net": {"nic": "ethX"}"#), (27, #""net": {"remove": true}"#), (21, #""net": {"bridged": false}"#),
            (26, #""net": {"vlan": 3}"#), (26, #""net": {"vlan": 3, "bridged": false}"#),
            (21, #""a": {"nic": "eth0"}, "b": {"nic": "eth0"}"#), (21, #""a": {"nic": "eth5"}"#),
            (21, #""a": {"nic": "eth0", "vlan": 3}, "b": {"nic": "eth0", "vlan": 3}"#),
            (27, #""abcdefghijklmnop": {}"#),
            (27, #""a b": {}"#), (27, #""a\tb": {}"#), (27, #""a.b": {}"#), (27, #""a:b": {}"#),
        ] {
            #expect(try await host.code(networks) == code, "\(networks)")
        }
    }

    @Test(
        "net_basic: VLANs 0, 1 and 2 on one nic, beside an untagged network; the untagged one goes first",
        arguments: [true, false]
    )
    func manyTags(bridged: Bool) async throws {
        let host = try await LabHost()
        let tags = (0...2).map { #""v\#($0)": {"nic": "eth0", "vlan": "\#($0)", "bridged": \#(bridged)}"# }
        try await host.setup((tags + [#""plain": {"nic": "eth0", "bridged": \#(bridged)}"#]).joined(separator: ","))
        let judge = try await Judge.now()
        #expect((0...2).allSatisfy { judge.has("eth0.\($0)") })
        try await host.setup(#""plain": {"remove": true}"#)
        #expect(try await Judge.now().isUp("eth0.1"))
    }

    @Test("net_basic: a bridge without ports; the same VLAN on two nics")
    func portless() async throws {
        let host = try await LabHost()
        try await host.setup(#""internal": {}, "a": {"nic": "eth0", "vlan": 5}, "b": {"nic": "eth1", "vlan": 5}"#)
        let judge = try await Judge.now()
        #expect(judge.ports(of: "internal") == [] && judge.master("eth0.5") == "a" && judge.master("eth1.5") == "b")
    }

    @Test("net_basic: bridgeless and bridged, there and back, on a VLAN")
    func changesForm() async throws {
        let host = try await LabHost()
        for bridged in [true, false, true] {
            try await host.setup(#""net": {"nic": "eth0", "vlan": "7", "bridged": \#(bridged)}"#)
            #expect(try await Judge.now().has("net") == bridged)
        }
    }

    @Test("net_basic: a VLAN moves between nics, and its old one is used in the same call", arguments: [true, false])
    func movesVLAN(bridged: Bool) async throws {
        let host = try await LabHost()
        try await host.setup(#""net": {"nic": "eth0", "vlan": "7", "bridged": \#(bridged)}"#)
        try await host.setup(#""net": {"nic": "eth1", "vlan": "7", "bridged": \#(bridged)}"#)
        #expect(try await !Judge.now().has("eth0.7"))
        try await host.setup(
            #""net": {"nic": "eth0", "vlan": "7", "bridged": \#(bridged)}, "two": {"nic": "eth1", "vlan": "7", "bridged": \#(bridged)}"#
        )
        let judge = try await Judge.now()
        #expect(judge.has("eth0.7") && judge.has("eth1.7"))
    }

    @Test("net_basic: a device deleted behind the agent's back is made again")
    func deletedBehind() async throws {
        let host = try await LabHost()
        try await host.setup(#""net": {"nic": "eth0", "vlan": "7"}"#)
        try await host.ip("link del eth0.7")
        try await host.ip("link del dev net")
        try await host.setup(#""net": {"nic": "eth0", "vlan": "7"}"#)
        #expect(try await Judge.now().master("eth0.7") == "net")
    }

    @Test("net_basic: the VLAN changes while a port of somebody else is in the bridge")
    func foreignPort() async throws {
        let host = try await LabHost()
        try await host.setup(#""net": {"nic": "eth0", "vlan": "7"}"#)
        try await host.ip("link set eth5 master net")
        try await host.setup(#""net": {"nic": "eth0", "vlan": "8"}"#)
        #expect(try await Judge.now().ports(of: "net") == ["eth0.8", "eth5"])
        try await host.setup(#""net": {"nic": "eth1"}"#)
        #expect(try await Judge.now().ports(of: "net") == ["eth1", "eth5"])
    }

    @Test("bridge: spanning tree and its end; custom options, and their end")
    func bridgeOptions() async throws {
        let host = try await LabHost()
        try await host.setup(#""net": {"nic": "eth0", "stp": "on"}"#)
        try await host.setup(
            #""net": {"nic": "eth0", "STP": "no", "custom": {"bridge_opts": "multicast_snooping=0 priority=4096 multicast_router=0"}}"#
        )
        var judge = try await Judge.now()
        #expect(["mcast_snooping", "mcast_router"].allSatisfy { judge.info("net", $0) == "0" })
        #expect(judge.info("net", "priority") == "4096")
        try await host.setup(#""net": {"nic": "eth0"}"#)
        judge = try await Judge.now()
        #expect(judge.info("net", "mcast_snooping") == "1" && judge.info("net", "priority") == "32768")
    }

    @Test("bridge: one of somebody else is adopted; a port that vanished comes back")
    func adopts() async throws {
        let host = try await LabHost()
        try await host.ip("link add name net type bridge")
        try await host.setup(#""net": {"nic": "eth0"}"#)
        try await host.ip("link del eth0")
        #expect(try await Judge.now().ports(of: "net") == [])
        try await host.ip("link add eth0 type dummy")
        try await host.setup(#""net": {"nic": "eth0"}"#)
        #expect(try await Judge.now().ports(of: "net") == ["eth0"])
    }

    @Test("mtu: up and down, on the base the largest, 1500 when all are gone", arguments: ["nic", "bonding"])
    func mtus(kind: String) async throws {
        let host = try await LabHost()
        let base = kind == "nic" ? "eth0" : "bond0"
        let links = kind == "nic" ? ["eth0"] : ["bond0", "eth0", "eth1"]
        func expect(_ mtu: Int) async throws {
            let judge = try await Judge.now()
            for link in links { #expect(judge.mtu(link) == mtu, "\(link)") }
        }
        let bonds = kind == "nic" ? "" : #""bond0": {"nics": ["eth0", "eth1"], "options": "mode=1 miimon=100"}"#
        try await host.setup(#""a": {"\#(kind)": "\#(base)", "mtu": 2000}"#, bonds: bonds)
        try await expect(2000)
        try await host.setup(#""b": {"\#(kind)": "\#(base)", "vlan": 5, "mtu": 3000}"#)
        try await expect(3000)
        try await host.setup(#""c": {"\#(kind)": "\#(base)", "vlan": 6, "mtu": 1000}"#)
        try await expect(3000)
        try await host.setup(#""b": {"remove": true}"#)
        try await expect(2000)
        try await host.setup(#""a": {"\#(kind)": "\#(base)", "mtu": 1800}"#)
        try await expect(1800)
        try await host.setup(#""a": {"remove": true}"#)
        try await expect(1000)
        try await host.setup(#""c": {"\#(kind)": "\#(base)", "vlan": 6, "mtu": 9000}"#)
        try await host.setup(#""c": {"remove": true}"#)
        try await expect(1500)
    }

    @Test("mtu: a slave added to a bond with 2000 gets it; slaves of a bond that goes get 1500")
    func mtuOfSlaves() async throws {
        let host = try await LabHost()
        try await host.setup(#""a": {"bonding": "bond0", "mtu": 2000}"#, bonds: #""bond0": {"nics": ["eth0"]}"#)
        try await host.setup(bonds: #""bond0": {"nics": ["eth0", "eth1"]}"#)
        #expect(try await Judge.now().mtu("eth1") == 2000)
        try await host.setup(#""a": {"remove": true}"#, bonds: #""bond0": {"remove": true}"#)
        let judge = try await Judge.now()
        #expect(["eth0", "eth1"].allSatisfy { judge.mtu($0) == 1500 && judge.isUp($0) } && !judge.has("bond0"))
    }

    @Test(
        "mtu: what a network left is reset",
        arguments: [("eth0", "eth1"), ("bond0", "bond1"), ("bond0", "eth0"), ("eth0", "bond0")]
    )
    func mtuOfOld(from: String, to: String) async throws {
        let host = try await LabHost()
        func field(_ name: String) -> String { #""\#(name.hasPrefix("bond") ? "bonding" : "nic")": "\#(name)""# }
        try await host.setup(bonds: #""bond0": {"nics": ["eth2"]}, "bond1": {"nics": ["eth3"]}"#)
        try await host.setup(#""net": {\#(field(from)), "mtu": 2000}"#)
        try await host.setup(#""net": {\#(field(to)), "mtu": 2000}"#)
        let judge = try await Judge.now()
        #expect(judge.mtu(from) == 1500 && judge.mtu(to) == 2000)
    }

    @Test("dns: servers are set, kept, and refused off the default route")
    func nameservers() async throws {
        let host = try await LabHost()
        let fixed =
            #""nic": "eth0", "ipaddr": "10.1.0.2", "netmask": "255.255.255.0", "gateway": "10.1.0.1", "defaultRoute": true"#
        try await host.setup(#""net": {\#(fixed), "nameservers": ["10.1.0.53", "2001:db8::53"]}"#)
        #expect(try ResolverFile(host.settings.resolvConf).nameservers() == ["10.1.0.53", "2001:db8::53"])
        try await host.setup(#""net": {\#(fixed), "mtu": 1400}"#)
        #expect(try ResolverFile(host.settings.resolvConf).nameservers() == ["10.1.0.53", "2001:db8::53"])
        #expect(try await host.code(#""two": {"nic": "eth1", "nameservers": ["10.1.0.53"]}"#) == 21)
    }

    @Test("rollback: nobody heard: the new network and bond go, MTU and mode come back, the first network stays")
    func lostConnection() async throws {
        let host = try await LabHost()
        let check = #""connectivityCheck": 1, "connectivityTimeout": 0"#
        try await host.setup(
            #""keep": {"bonding": "bond0", "vlan": 4, "ipaddr": "10.4.0.2", "prefix": 24, "gateway": "10.4.0.1"}"#,
            bonds: #""bond0": {"nics": ["eth0", "eth1"], "options": "mode=1 miimon=150"}"#
        )
        #expect(try await host.code(#""n": {"nic": "eth2", "mtu": 2000}"#, options: check) == 10)
        #expect(
            try await host.code(
                #""n": {"bonding": "bond1"}"#,
                bonds: #""bond1": {"nics": ["eth2", "eth3"]}"#,
                options: check
            )
                == 10
        )
        #expect(try await host.code(#""n": {"bonding": "bond0", "mtu": 2000}"#, options: check) == 10)
        #expect(
            try await host.code(bonds: #""bond0": {"nics": ["eth1", "eth4"], "options": "mode=3"}"#, options: check)
                == 10
        )
        #expect(
            try await host.code(#""keep": {"remove": true}"#, bonds: #""bond0": {"remove": true}"#, options: check)
                == 10
        )
        #expect(try host.owned().networks.keys.sorted() == ["keep"])
    }

    @Test("rollback: what the kernel refuses in the middle leaves nothing behind")
    func kernelRefuses() async throws {
        let host = try await LabHost()
        try await host.setup(#""keep": {"nic": "eth0", "ipaddr": "10.4.0.2", "prefix": 24}"#)
        #expect(
            try await host.code(
                #""n": {"bonding": "bond1", "ipaddr": "10.0.0.256", "prefix": 24}"#,
                bonds: #""bond1": {"nics": ["eth2", "eth3"]}"#
            ) == 22
        )
        // The kernel takes a few groups only here, which the plan does not know.
        let odd = #""n": {"nic": "eth2", "custom": {"bridge_opts": "group_addr=52:54:00:00:00:09 priority=1"}}"#
        #expect(try await host.code(odd) == 29)
        #expect(try await host.code(#""n": {"nic": "eth2", "custom": {"bridge_opts": "foo=1"}}"#) == 21)
    }

    @Test("switch: ovs is answered with 32, a mixture and a part of the host with 21")
    func switches() async throws {
        let host = try await LabHost()
        #expect(try await host.code(#""n": {"nic": "eth0", "switch": "ovs"}"#) == 32)
        #expect(try await host.code(#""n": {"nic": "eth0", "switch": "ovs"}, "m": {"nic": "eth1"}"#) == 21)
        try await host.setup(#""keep": {"nic": "eth2"}"#)
        #expect(try await host.code(#""n": {"nic": "eth0", "switch": "ovs"}"#) == 21)
        #expect(
            try await host.code(#""keep": {"nic": "eth2", "switch": "ovs", "ipaddr": "1.2.3", "prefix": 8}"#) == 22
        )
    }
}
