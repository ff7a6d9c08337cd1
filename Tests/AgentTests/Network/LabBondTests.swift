import AgentWire
import HostModel
import Netlink
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// bond_basic and net_with_bond of the acceptance list.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabBondTests {
    private static let two = #""bond0": {"nics": ["eth0", "eth1"], "options": "mode=1 miimon=100"}"#

    /// How often the link's carrier came and went.
    private func flaps(_ link: String) -> String {
        readLine(of: FilePath("/sys/class/net/\(link)/carrier_changes")) ?? ""
    }

    @Test("bond_basic: two nics, options by number, removal")
    func addRemove() async throws {
        let host = try await LabHost()
        let before = try await Judge.fingerprint()
        try await host.setup(bonds: #""bond0": {"nics": ["eth1", "eth0"], "options": "mode=3 miimon=150"}"#)
        let judge = try await Judge.now()
        #expect(judge.info("bond0", "miimon") == "150" && judge.mac("bond0") == "52:54:00:00:00:00")
        try await host.setup(bonds: #""bond0": {"remove": true}"#)
        #expect(try await Judge.fingerprint() == before)
    }

    @Test("bond_basic: entirely new slaves, then removal; grow and shrink; no flap")
    func newSlaves() async throws {
        let host = try await LabHost()
        try await host.setup(bonds: Self.two)
        let before = flaps("bond0")
        for nics in [#""eth2", "eth3""#, #""eth2", "eth3", "eth4""#, #""eth4""#, #""eth4", "eth0""#] {
            try await host.setup(bonds: #""bond0": {"nics": [\#(nics)], "options": "mode=1 miimon=100"}"#)
        }
        #expect(flaps("bond0") == before)
        try await host.setup(bonds: #""bond0": {"remove": true}"#)
        let judge = try await Judge.now()
        #expect((0...5).allSatisfy { judge.isUp("eth\($0)") })
    }

    @Test("bond_basic: two bonds swap slaves in one call")
    func swap() async throws {
        let host = try await LabHost()
        try await host.setup(bonds: Self.two + #", "bond1": {"nics": ["eth2", "eth3"]}"#)
        try await host.setup(
            bonds:
                #""bond0": {"nics": ["eth0", "eth3"], "options": "mode=1 miimon=100"}, "bond1": {"nics": ["eth1", "eth2"]}"#
        )
        try await host.setup(
            bonds:
                #""bond0": {"nics": ["eth1", "eth2"], "options": "mode=1 miimon=100"}, "bond1": {"nics": ["eth0", "eth3"]}"#
        )
    }

    @Test("bond_basic: names, empty nics, foreign slaves")
    func refusals() async throws {
        let host = try await LabHost()
        for name in ["bond", "bond bad", "jamesbond007"] {
            #expect(try await host.code(bonds: #""\#(name)": {"nics": ["eth0"]}"#) == 25)
        }
        #expect(try await host.code(bonds: #""bond0": {"nics": []}"#) == 21)
        #expect(try await host.code(bonds: #""bond0": {"nics": ["eth0", "ethX"]}"#) == 23)
        #expect(try await host.code(#""n": {"nic": "eth0"}"#, bonds: #""bond0": {"nics": ["eth0"]}"#) == 24)
        try await host.setup(#""n": {"nic": "eth0"}"#)
        #expect(try await host.code(bonds: #""bond0": {"nics": ["eth0"]}"#) == 24)
        try await host.ip("link add link eth1 name eth1.9 type vlan id 9")
        #expect(try await host.code(bonds: #""bond0": {"nics": ["eth1"]}"#) == 24)
        try await host.setup(bonds: #""bond0": {"nics": ["eth2"]}"#)
        #expect(try await host.code(#""m": {"nic": "eth2"}"#) == 24)
    }

    @Test("bond_basic: the address that is asked for; the order of slaves changes none")
    func addresses() async throws {
        let host = try await LabHost()
        try await host.setup(bonds: #""bond0": {"nics": ["eth0", "eth1"], "hwaddr": "ce:0c:46:59:c9:d1"}"#)
        try await host.setup(bonds: #""bond0": {"nics": ["eth0", "eth1"]}"#)
        #expect(try await Judge.now().mac("bond0") == "ce:0c:46:59:c9:d1", "pinned")
        try await host.setup(bonds: #""bond1": {"nics": ["eth3", "eth2"]}"#)
        try await host.setup(bonds: #""bond1": {"nics": ["eth2", "eth3"]}"#)
        #expect(try await Judge.now().mac("bond1") == "52:54:00:00:00:02")
    }

    @Test("bond_basic: primary, active slave, and none of it in mode 4")
    func primary() async throws {
        let host = try await LabHost()
        try await host.setup(
            bonds: #""bond0": {"nics": ["eth0", "eth1"], "options": "mode=1 miimon=100 primary=eth1"}"#
        )
        let judge = try await Judge.now()
        #expect(judge.info("bond0", "primary") == "eth1")
        var capabilities = try await HostInventory().capabilities(
            OwnedHere(host.keeper.report()),
            KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.bondings["bond0"]?.opts == ["mode": "1", "miimon": "100", "primary": "eth1"])
        #expect(["eth0", "eth1"].contains(capabilities.bondings["bond0"]?.active_slave ?? ""))
        try await host.setup(bonds: #""bond0": {"nics": ["eth0", "eth1"], "options": "lacp_rate=fast mode=802.3ad"}"#)
        #expect(try await Judge.now().info("bond0", "ad_lacp_rate") == "fast")
        capabilities = try await HostInventory().capabilities(
            OwnedHere(host.keeper.report()),
            KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.bondings["bond0"]?.active_slave == "")
        #expect(capabilities.bondings["bond0"]?.opts == ["mode": "4", "lacp_rate": "1"])
    }

    @Test("bond_basic: every mode to every other, with what belongs to it", arguments: BondMode.allCases)
    func modes(from: BondMode) async throws {
        let host = try await LabHost()
        let own = [
            "packets_per_slave=4 miimon=100", "miimon=150 updelay=300 primary=eth0", "xmit_hash_policy=2", "",
            "lacp_rate=1 ad_select=2", "tlb_dynamic_lb=0", "primary=eth1",
        ]
        // There, and back with the next one.
        for to in BondMode.allCases where to.rawValue > from.rawValue {
            for mode in [from, to] {
                try await host.setup(
                    bonds:
                        #""bond0": {"nics": ["eth0", "eth1"], "options": "mode=\#(mode.rawValue) \#(own[mode.rawValue])"}"#
                )
            }
        }
    }

    @Test("bond_basic: miimon goes back to none with the mode; ARP targets are replaced, and give way to miimon")
    func monitors() async throws {
        let host = try await LabHost()
        func options(_ text: String) async throws -> Judge {
            try await host.setup(bonds: #""bond0": {"nics": ["eth0", "eth1"], "options": "\#(text)"}"#)
            return try await Judge.now()
        }
        _ = try await options("mode=1 miimon=150 updelay=300")
        #expect(try await options("mode=3").info("bond0", "miimon") == "0")
        let arp = "mode=1 arp_interval=1000 arp_ip_target="
        #expect(try await options(arp + "10.0.0.1").info("bond0", "arp_ip_target") == "10.0.0.1")
        #expect(try await options(arp + "10.0.0.2,10.0.0.3").info("bond0", "arp_ip_target") == "10.0.0.2,10.0.0.3")
        let judge = try await options("mode=1 miimon=100 updelay=200 downdelay=100")
        #expect(judge.info("bond0", "arp_interval") == "0" && judge.info("bond0", "updelay") == "200")
        #expect(try await options("mode=1").info("bond0", "updelay") == "0")
    }

    @Test("bond_basic: LACP with a partner: aggregator and partner's address")
    func partner() async throws {
        let host = try await LabHost()
        for pair in 0...1 { try await host.ip("link add veth_\(pair) type veth peer name peer_\(pair)") }
        try await host.setup(
            bonds:
                #""bond0": {"nics": ["veth_0", "veth_1"], "options": "mode=4 lacp_rate=1"}, "bond1": {"nics": ["peer_0", "peer_1"], "options": "mode=4 lacp_rate=1"}"#
        )
        let capabilities = try await HostInventory().capabilities(
            OwnedHere(host.keeper.report()),
            KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.bondings["bond0"]?.ad_aggregator_id != nil)
        #expect(capabilities.bondings["bond0"]?.ad_partner_mac != nil)
        try await host.setup(bonds: #""bond0": {"nics": ["veth_0", "veth_1"]}"#)
        let plain = try await HostInventory().capabilities(
            OwnedHere(host.keeper.report()),
            KernelSnapshot.read(),
            client: nil
        )
        #expect(plain.bondings["bond0"]?.ad_aggregator_id == nil)
    }

    @Test("net_with_bond: the network goes, the bond stays; VLANs come without a flap", arguments: [true, false])
    func keepsBond(bridged: Bool) async throws {
        let host = try await LabHost()
        try await host.setup(#""n": {"bonding": "bond0", "bridged": \#(bridged)}"#, bonds: Self.two)
        let before = flaps("bond0")
        try await host.setup(
            (1...4).map { #""v\#($0)": {"bonding": "bond0", "vlan": \#($0), "bridged": \#(bridged)}"# }.joined(
                separator: ","
            )
        )
        #expect(flaps("bond0") == before)
        #expect(try await host.code(bonds: #""bond0": {"remove": true}"#) == 31)
        try await host.setup(#""n": {"remove": true}"#)
        #expect(try await Judge.now().ports(of: "bond0") == ["eth0", "eth1"])
    }

    @Test(
        "net_with_bond: a slave becomes a network's nic; the bond gives way to its slave; a nic to a bond that contains it",
        arguments: ["", #", "vlan": 5"#]
    )
    func transfers(vlan: String) async throws {
        let host = try await LabHost()
        try await host.setup(#""n": {"bonding": "bond0"\#(vlan)}"#, bonds: Self.two)
        let before = flaps("bond0")
        try await host.setup(
            #""m": {"nic": "eth1"\#(vlan)}"#,
            bonds: #""bond0": {"nics": ["eth0"], "options": "mode=1 miimon=100"}"#
        )
        #expect(flaps("bond0") == before)
        try await host.setup(#""n": {"nic": "eth0"\#(vlan)}"#, bonds: #""bond0": {"remove": true}"#)
        #expect(try await !Judge.now().has("bond0"))
        try await host.setup(#""n": {"bonding": "bond1"\#(vlan)}"#, bonds: #""bond1": {"nics": ["eth0", "eth2"]}"#)
        try await host.setup(#""n": {"bonding": "bond1", "vlan": 8}"#)
    }

    @Test("net_with_bond: network and bond go while a slave has vanished")
    func vanished() async throws {
        let host = try await LabHost()
        try await host.setup(#""n": {"bonding": "bond0"}"#, bonds: Self.two)
        try await host.ip("link del eth1")
        try await host.setup(#""n": {"remove": true}"#, bonds: #""bond0": {"remove": true}"#)
        #expect(try await !Judge.now().has("bond0"))
    }

    @Test(
        "net_with_bond: a bond of somebody else becomes ours with its address; dirty slaves are cleaned, its VLAN stays"
    )
    func acquires() async throws {
        let host = try await LabHost()
        try await host.ip("link add bond0 address 52:54:00:00:00:77 type bond mode 1 miimon 100")
        for slave in ["eth0", "eth1"] {
            try await host.ip("link set \(slave) down")
            try await host.ip("link set \(slave) master bond0")
        }
        try await host.ip("link set bond0 up")
        try await host.ip("link add link bond0 name bond0.99 type vlan id 99")
        try await host.ip("link set bond0.99 up")
        try await host.ip("address add 10.99.0.2/24 dev bond0.99")
        try await host.ip("address add 10.98.0.2/24 dev eth0")
        try await host.setup(#""n": {"bonding": "bond0", "ipaddr": "10.97.0.2", "prefix": 24}"#)
        let judge = try await Judge.now()
        #expect(judge.mac("bond0") == "52:54:00:00:00:77" && judge.addresses("eth0") == [])
        #expect(judge.addresses("bond0.99") == ["10.99.0.2/24"])
        #expect(try host.owned().bonds["bond0"]?.hwaddr == MACAddress("52:54:00:00:00:77"))
    }
}

extension NetworkKeeper {
    /// What `serve` is told.
    nonisolated func report() async throws -> NetworkOwnership { try await ownership() }
}
