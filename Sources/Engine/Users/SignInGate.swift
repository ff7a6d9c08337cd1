import Synchronization

/// Slows those who guess: each failure of a name doubles the wait before its next answer, and only a few passwords are
/// hashed at one time, because each one takes 32 MiB.
final class SignInGate: Sendable {
    private struct State {
        var failures: [String: Int] = [:]
        var underWay = 0
    }

    private let state = Mutex(State())

    static let underWayMax = 8
    /// Names whose failures are counted; a new one beyond that makes all be forgotten.
    static let namesMax = 1024
    static let waitMax = Duration.seconds(8)

    /// The wait that this name has earned.
    func wait(for name: String) -> Duration {
        state.withLock { state in
            let failures = state.failures[name] ?? 0
            return failures == 0 ? .zero : min(Self.waitMax, .milliseconds(125 << min(failures, 10)))
        }
    }

    /// Takes a place; false when too many are at it.
    func enter() -> Bool {
        state.withLock { state in
            guard state.underWay < Self.underWayMax else { return false }
            state.underWay += 1
            return true
        }
    }

    func leave(_ name: String, succeeded: Bool) {
        state.withLock { state in
            state.underWay -= 1
            if succeeded {
                state.failures[name] = nil
            } else {
                if state.failures.count >= Self.namesMax, state.failures[name] == nil { state.failures = [:] }
                state.failures[name, default: 0] += 1
            }
        }
    }
}
