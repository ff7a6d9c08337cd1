import AgentWire
import HostModel
import NIOCore
import Netlink
import Testing

@testable import Agent

/// qos and stats of the acceptance list. Judged by `tc -j`.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabShareTests {
    private static let share =
        #""hostQos": {"out": {"ls": {"m1": 4000000, "d": 100000, "m2": 3000000}, "ul": {"m2": 8000000}}}"#

    private static func share(_ megabits: Int) -> String { #""hostQos": {"out": {"ls": {"m2": \#(megabits)000000}}}"# }

    /// What `tc` says of a link: the kind of its root, the curves of its classes, and where the filters lead.
    private struct Traffic {
        var root = ""
        var curves: [String: String] = [:]
        var leaves: Set<String> = []
        var filters: String

        init(_ link: String) throws {
            func lines(_ kind: String) throws -> [[String]] {
                try LabProgram.command(["tc", kind, "show", "dev", link]).split(separator: "\n").map { line in
                    line.split(separator: " ").map(String.init)
                }
            }
            for words in try lines("qdisc") where words.count > 4 {
                if words[3] == "root" { root = words[1] }
                if words[1] == "fq_codel", words[3] == "parent" { leaves.insert(words[4]) }
            }
            for words in try lines("class") where words.count > 7 && words[1] == "hfsc" {
                curves[words[2]] = words[7...].joined(separator: " ")
            }
            filters = try LabProgram.command(["tc", "filter", "show", "dev", link])
        }
    }

    @Test("qos: ls and ul on a network with and without VLAN", arguments: ["eth0", "bond0"], [nil, 10])
    func shares(link: String, vlan: Int?) async throws {
        let host = try await LabHost()
        if link == "bond0" { try await host.setup(bonds: #""bond0": {"nics": ["eth1", "eth2"]}"#) }
        let before = try Traffic(link)
        let base = link == "bond0" ? #""bonding": "bond0""# : #""nic": "eth0""#
        let tag = vlan.map { #", "vlan": \#($0)"# } ?? ""
        for bridged in [true, false] {
            try await host.setup(#""n": {\#(base)\#(tag), "bridged": \#(bridged), \#(Self.share)}"#)
            let traffic = try Traffic(link)
            let id = vlan == nil ? "1389:1388" : "1389:a"
            #expect(traffic.root == "hfsc")
            let curves = "ls m1 4Mbit d 100ms m2 3Mbit ul m1 0bit d 0us m2 8Mbit"
            #expect(traffic.curves[id] == curves, "\(traffic)")
            #expect(traffic.curves["1389:1388"] == (vlan == nil ? curves : "ls m1 4Mbit d 100ms m2 3Mbit"))
            #expect(traffic.leaves == ["1389:1388", id] && traffic.filters.contains("flowid \(id)"), "\(traffic)")
            #expect(traffic.filters.contains("meta(vlan mask 0x00000fff eq 10)") == (vlan != nil), "\(traffic)")
            let capabilities = try await HostInventory().capabilities(
                OwnedHere(host.keeper.report()),
                KernelSnapshot.read(),
                client: nil
            )
            #expect(capabilities.networks["n"]?.hostQos?["out"]?["ls"]?["m2"] == .integer(3_000_000))
        }
        try await host.setup(#""n": {"remove": true}"#)
        #expect(try Traffic(link).root == before.root, "nothing is left of it")
    }

    @Test(
        "qos: two networks on one nic, in one step and in two; edited; and gone, one after the other",
        arguments: [true, false]
    )
    func shared(atOnce: Bool) async throws {
        let host = try await LabHost()
        let (one, two) = (
            #""a": {"nic": "eth0", \#(Self.share(1))}"#, #""b": {"nic": "eth0", "vlan": 10, \#(Self.share(5))}"#
        )
        if atOnce {
            try await host.setup(one + "," + two)
        } else {
            try await host.setup(one)
            try await host.setup(two)
        }
        func rates() throws -> [String: String] {
            try Traffic("eth0").curves.mapValues { $0.replacing("ls m1 0bit d 0us m2 ", with: "") }
        }
        #expect(try rates()["1389:1388"] == "1Mbit" && rates()["1389:a"] == "5Mbit")
        try await host.setup(#""b": {"nic": "eth0", "vlan": 10, \#(Self.share(7))}"#)
        #expect(try rates()["1389:1388"] == "1Mbit" && rates()["1389:a"] == "7Mbit")
        try await host.setup(#""b": {"nic": "eth0", "vlan": 10, \#(Self.share)}"#)
        try await host.setup(#""b": {"nic": "eth0", "vlan": 10, \#(Self.share(2))}"#)
        #expect(try rates()["1389:a"] == "2Mbit", "a curve that nobody asks for goes")
        try await host.setup(#""b": {"nic": "eth0", "vlan": 11, \#(Self.share(2))}"#)
        #expect(try rates()["1389:a"] == nil && rates()["1389:b"] == "2Mbit")
        try await host.setup(#""b": {"nic": "eth0", "vlan": 11}"#)
        #expect(try rates()["1389:b"] == nil && rates()["1389:1388"] == "1Mbit")
        try await host.setup(#""a": {"nic": "eth0"}"#)
        #expect(try Traffic("eth0").root != "hfsc")
    }

    @Test("qos: a change that is taken back leaves the shares as they were; a stranger's discipline is not touched")
    func takesBack() async throws {
        let host = try await LabHost()
        try await host.setup(#""a": {"nic": "eth0", \#(Self.share(1))}"#)
        func classes() throws -> [Substring] {
            try LabProgram.command(["tc", "class", "show", "dev", "eth0"]).split(separator: "\n")
                .filter { $0.hasPrefix("class hfsc") }.sorted()
        }
        let before = try classes()
        let check = #""connectivityCheck": 1, "connectivityTimeout": 0"#
        for change in [
            #""a": {"nic": "eth0", \#(Self.share(3))}"#, #""a": {"nic": "eth0"}"#,
            #""b": {"nic": "eth0", "vlan": 3, \#(Self.share)}"#,
        ] {
            #expect(try await host.code(change, options: check) == 10)
            #expect(try classes() == before)
        }
        #expect(try await host.code(#""n": {"nic": "eth1", \#(Self.share(3))}"#, options: check) == 10)
        #expect(try Traffic("eth1").root != "hfsc")
        try LabProgram.command([
            "tc", "qdisc", "add", "dev", "eth2", "root", "tbf", "rate", "1mbit", "burst", "10k", "latency", "10ms",
        ])
        #expect(try await host.code(#""n": {"nic": "eth2", \#(Self.share(3))}"#) == 21)
        try await host.setup(#""n": {"nic": "eth2"}"#)
        #expect(try Traffic("eth2").root == "tbf")
    }

    @Test("qos: a discipline that the kernel could have chosen is somebody's when he gave it to this link (R12)")
    func administrators() async throws {
        let host = try await LabHost()
        for words in [["pfifo", "limit", "7"], ["sfq", "perturb", "10"], ["cake", "bandwidth", "1mbit"]] {
            try LabProgram.command(["tc", "qdisc", "replace", "dev", "eth2", "root"] + words)
            #expect(try await host.code(#""n": {"nic": "eth2", \#(Self.share(3))}"#) == 21, "\(words)")
            #expect(try Traffic("eth2").root == words[0])
        }
        // The administrator's choice for every link.
        func choose(_ kind: String) throws {
            try LabProgram.command(["sh", "-c", "echo \(kind) > /proc/sys/net/core/default_qdisc"])
        }
        try choose("sfq")
        defer { try? choose("pfifo_fast") }
        // Dummies and veths have no queue of the kernel's.
        try await host.ip("tuntap add dev tap9 mode tap")
        defer { _ = try? LabProgram.command(["ip", "link", "del", "tap9"], isSure: false) }
        try await host.ip("link set tap9 up")
        #expect(try Traffic("tap9").root == "sfq")
        try await host.setup(#""n": {"nic": "tap9", \#(Self.share(3))}"#)
        #expect(try Traffic("tap9").root == "hfsc")
        try await host.setup(#""n": {"remove": true}"#)
        #expect(try Traffic("tap9").root == "sfq")
    }

    @Test("stats: received and sent octets of every link, none below zero")
    func counters() async throws {
        let host = try await LabHost()
        try await host.ip("link add veth_0 type veth peer name veth_1")
        for link in ["veth_0", "veth_1"] { try await host.ip("link set \(link) up") }
        let statistics = try await HostStatisticsSampler(HostInventory()).sample(isDirty: false)
        for link in ["veth_0", "veth_1"] {
            let report = try #require(statistics.network[link])
            #expect(UInt64(report.rx) != nil && UInt64(report.tx) != nil, "\(report)")
        }
        let sum = (statistics.network["veth_0"]?.tx, statistics.network["veth_1"]?.tx)
        let judge = try LabProgram.command(["ip", "-s", "link", "show", "veth_0"])
        #expect(!judge.isEmpty && sum.0 != nil && sum.1 != nil)
    }
}
