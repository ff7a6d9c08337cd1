import Synchronization

/// How many connections each peer address holds open, so that one machine cannot take all of them, and how many there are:
/// the last ones are kept for addresses that hold few.
final class ConnectionQuota: Sendable {
    struct Limits: Sendable {
        /// Connections of one address. A rack behind one address keeps one short connection a node.
        var perSource = 128
        /// Connections beyond which only those are admitted who hold fewer than `reservedPerSource`.
        var free = 768
        /// What an address may hold out of the reserve: a person's browser or command line.
        var reservedPerSource = 8
    }

    private struct State {
        var open: [String: Int] = [:]
        var total = 0
    }

    private let state = Mutex(State())
    private let limits: Limits

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Counts a connection; false when the address has its share already, and then nothing is counted.
    func enter(_ source: String) -> Bool {
        state.withLock { state in
            let own = state.open[source, default: 0]
            let share = state.total < limits.free ? limits.perSource : limits.reservedPerSource
            guard own < share else { return false }
            state.open[source] = own + 1
            state.total += 1
            return true
        }
    }

    func leave(_ source: String) {
        state.withLock { state in
            guard let count = state.open[source] else { return }
            state.open[source] = count > 1 ? count - 1 : nil
            state.total -= 1
        }
    }
}
