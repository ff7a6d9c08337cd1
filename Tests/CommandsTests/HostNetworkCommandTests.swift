import HostModel
import Synchronization
import TestServers
import Testing

@testable import Commands
@testable import EngineClient

/// `muster host bond|label` and `muster network attach` as the built program: what goes to the engine.
@Suite struct HostNetworkCommandTests {
    private static let name = "node-5a31"

    @Test func bonds() async throws {
        try await FakeEngine.loggedIn { program, engine in
            func last() -> String { engine.state.withLock { $0.calls.last ?? "" } }
            let made = try await program.run(
                [
                    "host", "bond", Self.name, "create", "bond0", "eth1", "eth2", "--mode", "802.3ad", "--option",
                    "miimon=50",
                ]
            )
            #expect(made.exit == 0 && made.output == "bond0 of node-5a31 stands over eth1, eth2\n", "\(made.errors)")
            #expect(last().contains("/setupnetworks") && last().contains(#""commit_on_success":"true""#), "\(last())")
            #expect(last().contains(#""name":"mode","value":"802.3ad""#) && last().contains(#""value":"50""#))
            #expect(last().contains(#"{"name":"eth2"}"#))
            _ = try await program.run(["host", "bond", Self.name, "create", "bond0", "eth1"])
            #expect(!last().contains("options"), "\(last())")
            #expect(try await program.run(["host", "bond", Self.name, "remove", "bond0"]).exit == 0)
            #expect(last().contains("removed_bonds"))
            for words in [
                ["team0", "eth1"], ["bond0"], ["bond0", "eth1", "--mode", "7"], ["bond0", "eth1", "--option", "x"],
            ] {
                #expect(try await program.run(["host", "bond", Self.name, "create"] + words).exit == 64, "\(words)")
            }
            let bonds = #"{"bondings": {"bond0": {"slaves": ["eth1", "eth2"], "opts": {"mode": "4"}, "mtu": "1500"}}}"#
            engine.state.withLock { $0.capabilities = bonds }
            let shown = try await program.run(["host", "bond", Self.name, "show"])
            #expect(
                shown.output
                    == "NAME   MODE  SLAVES     ACTIVE  MTU   ADDRESSES\nbond0  4     eth1,eth2  -       1500  -\n"
            )
        }
    }

    @Test func labels() async throws {
        try await FakeEngine.loggedIn { program, engine in
            func last() -> String { engine.state.withLock { $0.calls.last ?? "" } }
            let added = try await program.run(["host", "label", Self.name, "add", "eth1", "lab"])
            #expect(added.exit == 0 && added.output == "eth1 of node-5a31 has the label lab\n", "\(added.errors)")
            #expect(last().contains(#""id":"lab""#) && last().contains("modified_labels"), "\(last())")
            #expect(try await program.run(["host", "label", Self.name, "remove", "lab"]).exit == 0)
            #expect(last().contains("removed_labels"))
            #expect(try await program.run(["host", "label", Self.name, "add", "eth1", "a b"]).exit == 64)
        }
    }

    @Test("virtual functions: shown, and set by oVirt's action") func functions() async throws {
        try await FakeEngine.loggedIn { program, engine in
            func last() -> String { engine.state.withLock { $0.calls.last ?? "" } }
            let set = try await program.run(["host", "nic", Self.name, "set", "eth2", "--functions", "2"])
            #expect(set.exit == 0 && set.output == "eth2 of node-5a31 has 2 virtual functions\n", "\(set.errors)")
            #expect(last().contains("/nics/eth2/updatevirtualfunctionsconfiguration"), "\(last())")
            #expect(last().contains(#"{"virtual_functions_configuration":{"number_of_virtual_functions":"2"}}"#))
            for words in [["eth2"], ["eth2", "--functions", "x"], ["eth2", "--functions=-1"], ["--functions", "1"]] {
                #expect(try await program.run(["host", "nic", Self.name, "set"] + words).exit == 64, "\(words)")
            }
            let nics =
                #"{"nics": {"eth2": {"hwaddr": "a", "musterVirtualFunctions": {"count": 2, "max": 64}}, "eth2v0": {"hwaddr": "b", "musterPhysicalFunction": "eth2"}}}"#
            engine.state.withLock { $0.capabilities = nics }
            let shown = try await program.run(["host", "nic", Self.name, "list"])
            #expect(
                shown.output == """
                    NAME    MAC  LINK  FUNCTIONS  FUNCTION OF
                    eth2    a    -     2 of 64    -
                    eth2v0  b    -     -          eth2

                    """,
                "\(shown.output)\(shown.errors)"
            )
        }
    }

    @Test("attach says only what was typed: the rest stays as it is on the host")
    func attaches() async throws {
        try await FakeEngine.loggedIn { program, engine in
            func last() -> String { engine.state.withLock { $0.calls.last ?? "" } }
            let plain = try await program.run(["network", "attach", "red", Self.name])
            #expect(plain.exit == 0, "\(plain.errors)")
            #expect(last().hasSuffix(#"{"network":"red"}"#), "\(last())")
            let words = ["--nic", "none", "--no-default-route", "--gateway", "none"]
            #expect(try await program.run(["network", "attach", "red", Self.name] + words).exit == 0)
            #expect(last().contains(#""host_nic":"""#) && last().contains(#""default_route":false"#), "\(last())")
        }
    }

    private static func hosts(_ count: Int) -> [HostResource] {
        (1...count).map { number in
            var host = Samples.up
            (host.id, host.name) = ("0c7ee4a3-5b4a-4a51-8f0a-00000000000\(number)", "kvm-\(number)")
            host.cluster = ResourceLink(id: "c\(number % 2)", name: number % 2 == 0 ? "even" : "odd")
            return host
        }
    }

    private static func changed(_ engine: FakeEngine) -> [String] {
        engine.state.withLock { $0.calls.filter { $0.contains("networkattachments") } }
    }

    @Test("many hosts: all of a cluster, a search, names; in one table")
    func many() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.hosts = Self.hosts(4) }
            let made = try await program.run(["network", "attach", "red", "--cluster", "even", "--nic", "eth1"])
            #expect(made.exit == 0, "\(made.errors)")
            #expect(made.output.contains("kvm-2  changed") && made.output.contains("kvm-4  changed"), "\(made.output)")
            #expect(made.errors.contains("1/2 kvm-") && made.errors.contains("2/2 kvm-"))
            #expect(Self.changed(engine).count == 2)
            let named = try await program.run(["network", "detach", "red", "kvm-1", "kvm-3", "KVM-1"])
            #expect(named.exit == 0 && Self.changed(engine).count == 4, "\(named.errors)")
            let search = try await program.run(["network", "detach", "red", "--search", "name=kvm-*"])
            #expect(
                search.exit == 0 && engine.state.withLock { $0.calls.contains { $0.contains("search=name%3Dkvm-") } }
            )
        }
    }

    @Test("the first failure ends it: what was not begun is told, and the exit code is 1")
    func stops() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { state in
                state.hosts = Self.hosts(4)
                state.refusing = state.hosts[1].id
            }
            let words = ["network", "attach", "red", "kvm-1", "kvm-2", "kvm-3", "kvm-4", "--parallel", "1"]
            let ended = try await program.run(words)
            #expect(ended.exit == 1 && ended.errors.contains("3 of 4 hosts are not as asked"), "\(ended.errors)")
            #expect(ended.output.contains("kvm-2  failed   0        It refuses"), "\(ended.output)")
            #expect(ended.output.contains("kvm-4  skipped  -        not begun: another failed"), "\(ended.output)")
            #expect(Self.changed(engine).count == 2)
        }
    }

    @Test("a dry run asks and changes nothing; what is mistyped is said before anything is changed")
    func dryRun() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.hosts = Self.hosts(2) }
            let dry = try await program.run(["network", "attach", "red", "kvm-1", "--dry-run"])
            #expect(dry.exit == 0 && dry.output.contains("kvm-1  planned  0        make bridge red"), "\(dry.output)")
            #expect(Self.changed(engine).allSatisfy { $0.contains("?dry_run=true") })
            _ = try await program.run(["network", "detach", "red", "--cluster", "odd", "--dry-run"])
            #expect(Self.changed(engine).allSatisfy { $0.contains("?dry_run=true") })
            let count = Self.changed(engine).count
            for (words, exit) in [
                (["kvm-1", "kvm-9"], Int32(65)), (["--cluster", "none"], 65), ([], 64),
                (["kvm-1", "--cluster", "odd"], 64),
                (["kvm-1", "kvm-2", "--address", "192.0.2.5/24"], 64), (["kvm-1", "--parallel", "0"], 64),
            ] {
                #expect(try await program.run(["network", "attach", "red"] + words).exit == exit, "\(words)")
            }
            #expect(Self.changed(engine).count == count)
        }
    }
}
