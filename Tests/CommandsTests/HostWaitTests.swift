import EngineClient
import HostModel
import Synchronization
import Testing

@testable import Commands

/// What a wait lives through, and what ends it.
@Suite struct HostWaitTests {
    @Test("an engine that is started again is waited for: a call that may succeed later is made again")
    func endures() async throws {
        var calls = 0
        let answer = try await HostWait.enduring {
            calls += 1
            if calls < 3 { throw CallError.refused(status: 503, FaultResource(reason: "a test", detail: "a test")) }
            return "up"
        }
        #expect(answer == "up" && calls == 3)
    }

    @Test("F2: an approval whose answer was lost is asked again as the same request") func lostAnswer() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.lostAnswers = 2 }
            let code = try #require(ApprovalCode(digest: [1, 2, 3, 4, 5]))
            let outcome = try await program.run(["host", "approve", Samples.up.name, "--code", "\(code)"])
            #expect(outcome.exit == 0, "\(outcome.errors)")
            let requests = engine.state.withLock(\.approvals)
            #expect(requests.count == 3 && Set(requests).count == 1, "\(requests)")
        }
    }

    @Test("a refusal ends the wait at once")
    func refusalEnds() async {
        var calls = 0
        await #expect(throws: CallError.self) {
            try await HostWait.enduring {
                calls += 1
                throw CallError.unexpected(status: 500, reason: "a test")
            }
        }
        #expect(calls == 1)
    }
}
