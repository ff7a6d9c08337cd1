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
}
