import Synchronization

/// Tells that a step waits, once for each stretch without an answer, when that has lasted for a while: what ends at once is
/// nobody's news, and a host that was there and is gone again is.
final class InstallPatience: Sendable {
    private struct State {
        var begin: Int64
        var isTold = false
    }

    private let quiet: Int64
    private let tell: @Sendable (AgentFailure) async -> Void
    private let state: Mutex<State>

    /// `begin`: when the step began; `quiet`: how long nothing is told; both in milliseconds.
    init(from begin: Int64, _ quiet: Int64, tell: @escaping @Sendable (AgentFailure) async -> Void) {
        (self.quiet, self.tell) = (quiet, tell)
        state = Mutex(State(begin: begin))
    }

    /// The host answered: what comes now is another stretch.
    func heard(at now: Int64) { state.withLock { $0 = State(begin: now) } }

    func met(_ failure: AgentFailure, at now: Int64) async {
        let isDue = state.withLock { state in
            guard now - state.begin >= quiet, !state.isTold else { return false }
            state.isTold = true
            return true
        }
        if isDue { await tell(failure) }
    }
}
