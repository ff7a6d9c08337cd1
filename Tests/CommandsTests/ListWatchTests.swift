import HostModel
import Synchronization
import TestServers
import Testing

@testable import Commands

/// What a watched list shows again.
@Suite struct ListWatchTests {
    private static func row(_ words: String) -> [Cell] { words.split(separator: " ").map { Cell($0) } }

    @Test("only what differs in a column is shown again, and what is gone once")
    func changes() {
        var changes = ListChanges()
        func take(_ rows: [(String, String)]) -> [ListChanges.Change] {
            changes.take(rows.map(\.0), rows.map { Self.row($0.1) })
        }
        #expect(take([("1", "a up"), ("2", "b up")]) == [.shown(0), .shown(1)])
        #expect(take([("1", "a up"), ("2", "b up")]).isEmpty)
        #expect(take([("2", "b up"), ("1", "a up")]).isEmpty, "another order is no change")
        #expect(take([("1", "a down"), ("2", "b up"), ("3", "c up")]) == [.shown(0), .shown(2)])
        #expect(take([("3", "c up"), ("1", "a down")]) == [.gone(id: "2", row: Self.row("b up"))])
        #expect(take([]) == [.gone(id: "3", row: Self.row("c up")), .gone(id: "1", row: Self.row("a down"))])
        #expect(take([("2", "b up")]) == [.shown(0)], "it came back")
    }

    @Test("the program shows the list, then a host whose status changed, then that it is gone; a broken engine ends it")
    func program() async throws {
        for (format, change, gone) in [
            ("table", " down ", "(removed)"), ("json", #""status":"down""#, #""removed":true"#),
        ] {
            try await FakeEngine.loggedIn(hosts: [Samples.up]) { program, engine in
                // The engine of the test changes with each look, and refuses in the end.
                engine.state.withLock { state in
                    state.atLooks = [
                        { $0.hosts[0].muster.last_seen = "5" }, { $0.hosts[0].status = "down" }, { $0.hosts = [] },
                        { $0.refusal = .ok("{}", status: "500 Internal Server Error") },
                    ]
                }
                let list = try await program.run(["host", "list", "--watch", "-o", format])
                #expect(list.exit == 69, "\(list.errors)")
                let lines = list.output.split(separator: "\n").map(String.init)
                #expect(lines.count == (format == "table" ? 4 : 3), "\(list.output)")
                #expect(lines.dropLast().last?.contains(change) == true, "\(list.output)")
                #expect(lines.last?.contains(gone) == true, "\(list.output)")
            }
        }
    }
}
