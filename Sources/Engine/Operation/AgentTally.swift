import Synchronization

/// How the calls to agents end, counted since the engine's start.
final class AgentTally: Sendable {
    struct Counts: Sendable {
        var answered = 0
        var refused = 0
        var failed = 0
    }

    private let counts = Mutex(Counts())

    var now: Counts { counts.withLock(\.self) }

    func answered() { counts.withLock { $0.answered += 1 } }

    func ended(_ failure: AgentFailure) {
        counts.withLock { counts in
            if case .refused = failure { counts.refused += 1 } else { counts.failed += 1 }
        }
    }
}
