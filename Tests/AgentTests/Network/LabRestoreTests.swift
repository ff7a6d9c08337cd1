import AgentWire
import HostModel
import Netlink
import SystemPackage
import Testing

@testable import Agent

/// restore of the acceptance list, drift, and what a machine that lost its power finds.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabRestoreTests {
    private static let bond = #""bond0": {"nics": ["eth1", "eth2"], "options": "mode=1 miimon=100"}"#

    @Test("restore: a deleted network comes back, with bridge options, address and bond", arguments: [true, false])
    func comesBack(bridged: Bool) async throws {
        let host = try await LabHost()
        let custom = bridged ? #", "custom": {"bridge_opts": "multicast_snooping=0"}"# : ""
        try await host.setup(
            #""a": {"nic": "eth0", "bridged": \#(bridged), "ipaddr": "10.4.0.2", "prefix": 24\#(custom)}, "b": {"bonding": "bond0", "vlan": 7, "bridged": \#(bridged)}"#,
            bonds: Self.bond
        )
        try await host.keeper.commit()
        let committed = try await Judge.fingerprint()
        try await host.setup(
            #""a": {"remove": true}, "b": {"remove": true}, "c": {"nic": "eth3"}"#,
            bonds: #""bond0": {"remove": true}"#
        )
        #expect(await host.keeper.restore(isForced: true) == [])
        #expect(try await Judge.fingerprint() == committed, "also without what nobody committed")
        #expect(try host.owned().networks.keys.sorted() == ["a", "b"])
        #expect(await host.keeper.restore() == [], "once a start")
    }

    @Test("restore: a file that can not be read is no trouble for the others, nor for the next commit (R7)")
    func unreadable() async throws {
        let host = try await LabHost()
        try await host.setup(
            #""a": {"nic": "eth0"}, "b": {"nic": "eth3"}, "c": {"bonding": "bond0"}"#,
            bonds: Self.bond
        )
        try await host.keeper.commit()
        let persistent = NetworkConfiguration.persistent(in: host.settings.networkConfiguration)
        try NodeDirectory(persistent.root.appending("nets")).write(Array("{".utf8), to: "b")
        try await host.setup(
            ["a", "b", "c"].map { #""\#($0)": {"remove": true}"# }.joined(separator: ","),
            bonds: #""bond0": {"remove": true}"#
        )
        // Another process, which has read nothing yet.
        let keeper = host.successor()
        let failures = await keeper.restore(isForced: true)
        let drift = try await keeper.ownership().drift.differences
        #expect(drift.keys.sorted() == ["b"] && drift["b"]?.first?.contains("cannot be read") == true, "\(drift)")
        #expect(failures.count == 1 && failures.first?.hasPrefix("b is left out: ") == true, "\(failures)")
        #expect(try host.owned().networks.keys.sorted() == ["a", "c"] && host.owned().bonds.keys.sorted() == ["bond0"])
        let judge = try await Judge.now()
        #expect(judge.master("eth0") == "a" && judge.master("bond0") == "c" && judge.master("eth3") == nil)
        try await keeper.commit()
        #expect(try persistent.owned() == host.owned())
        #expect(try await keeper.ownership().drift.isEmpty)
    }

    @Test("restore: what lacks its nic, and what the kernel refuses, is no trouble for the others")
    func independent() async throws {
        let host = try await LabHost()
        try await host.setup(
            #""a": {"nic": "eth0"}, "b": {"bonding": "bond0"}, "c": {"nic": "eth3", "vlan": 3}, "d": {"nic": "eth4"}"#,
            bonds: #""bond0": {"nics": ["eth1", "eth2"], "options": "mode=1 miimon=100 primary=eth2"}"#
        )
        try await host.keeper.commit()
        var committed = try NetworkConfiguration.persistent(in: host.settings.networkConfiguration).owned()
        // A group that the kernel does not take.
        committed.networks["d"]?.bridgeOptions["group_addr"] = 0x5254_0000_0009
        try NetworkConfiguration.persistent(in: host.settings.networkConfiguration).save(committed)
        try await host.setup(
            ["a", "b", "c", "d"].map { #""\#($0)": {"remove": true}"# }.joined(separator: ","),
            bonds: #""bond0": {"remove": true}"#
        )
        for nic in ["eth2", "eth3"] { try await host.ip("link del \(nic)") }
        let failures = await host.keeper.restore(isForced: true)
        #expect(failures.count == 3, "\(failures)")
        let judge = try await Judge.now()
        #expect(judge.master("eth0") == "a" && judge.master("bond0") == "b" && judge.ports(of: "bond0") == ["eth1"])
        #expect(!judge.has("c") && !judge.has("d"))
    }

    @Test("F18: a power cut after a change that was not committed: the machine starts with what was committed")
    func powerCut() async throws {
        let host = try await LabHost()
        try await host.setup(#""a": {"nic": "eth0", "vlan": 4}, "b": {"nic": "eth1"}"#)
        try await host.keeper.commit()
        let committed = try await Judge.fingerprint()
        try await host.setup(#""a": {"remove": true}, "b": {"nic": "eth2"}, "c": {"nic": "eth3"}"#)
        // What a start finds: nothing of ours in the kernel, nothing below /run, and a running configuration of before.
        for link in ["b", "c", "a", "eth0.4"] {
            try LabProgram.command(["ip", "link", "del", "dev", link], isSure: false)
        }
        for name in host.settings.run.names() where !name.hasPrefix(".") { try host.settings.run.remove(name) }
        try host.settings.run.write(
            value: BootNetworkReport(.done, detail: nil, links: []),
            to: BootNetworkReport.fileName
        )
        #expect(await host.successor().restore() == [])
        #expect(try host.owned().networks.keys.sorted() == ["a", "b"])
        let judge = try await Judge.now()
        #expect(judge.master("eth0.4") == "a" && judge.master("eth1") == "b" && !judge.has("c"))
        #expect(try await Judge.fingerprint() == committed)
    }

    @Test("F15: the names of two cards are swapped at the next start: the networks follow their cards")
    func swapped() async throws {
        let host = try await LabHost()
        try await host.setup(
            #""a": {"nic": "eth0", "vlan": 4}, "b": {"nic": "eth1"}, "c": {"bonding": "bond0"}"#,
            bonds: #""bond0": {"nics": ["eth2", "eth3"], "options": "mode=1 miimon=100 primary=eth3"}"#
        )
        try await host.keeper.commit()
        for link in ["b", "a", "eth0.4", "c", "bond0"] {
            try LabProgram.command(["ip", "link", "del", "dev", link], isSure: false)
        }
        for (one, other) in [("eth0", "eth1"), ("eth3", "eth4")] {
            for (from, to) in [(one, "swap"), (other, one), ("swap", other)] {
                try await host.ip("link set \(from) down")
                try await host.ip("link set \(from) name \(to)")
            }
        }
        for name in host.settings.run.names() where !name.hasPrefix(".") { try host.settings.run.remove(name) }
        try host.settings.run.write(
            value: BootNetworkReport(.done, detail: nil, links: []),
            to: BootNetworkReport.fileName
        )
        #expect(await host.successor().restore() == [])
        let judge = try await Judge.now()
        #expect(judge.master("eth1.4") == "a", "\(judge)")
        #expect(judge.master("eth0") == "b" && !judge.has("eth0.4"))
        #expect(judge.ports(of: "bond0") == ["eth2", "eth4"])
        #expect(try host.owned().bonds["bond0"]?.options[#require(BondOption.byName["primary"])] == "eth4")
    }

    @Test("drift: what somebody else changes is reported by network, not mended, and gone when it is asked for again")
    func drift() async throws {
        let host = try await LabHost()
        let a = #""a": {"nic": "eth0", "vlan": 4, "ipaddr": "10.4.0.2", "prefix": 24}"#
        try await host.setup(a + #", "b": {"bonding": "bond0"}"#, bonds: Self.bond)
        func reported() async throws -> [String: [String]] {
            try await HostInventory().capabilities(OwnedHere(host.keeper.report()), KernelSnapshot.read(), client: nil)
                .musterNetworkDrift
        }
        #expect(try await reported() == [:])
        try await host.ip("address add 10.5.0.2/24 dev a")
        #expect(try await reported() == ["a": ["remove 10.5.0.2/24 from a"]])
        try await host.ip("link set eth2 nomaster")
        try await host.ip("link del eth0.4")
        let drift = try await reported()
        #expect(drift.keys.sorted() == ["a", "b", "bond0"] || drift.keys.sorted() == ["a", "bond0"], "\(drift)")
        #expect(drift["bond0"]?.contains("put eth2 in bond0") == true, "\(drift)")
        #expect(drift["a"]?.contains("create VLAN eth0.4 with id 4 over eth0") == true, "\(drift)")
        #expect(try await !Judge.now().has("eth0.4"), "it is only said")
        try await host.setup(a, bonds: Self.bond)
        #expect(try await reported() == [:])
        try await host.ip("link del eth2")
        #expect(try await reported()["bond0"]?.contains("eth2 is not there") == true)
    }
}
