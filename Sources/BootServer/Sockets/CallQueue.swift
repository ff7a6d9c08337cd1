import Synchronization

/// Lets a few calls go on at once, and has the next ones wait for their turn, in the order in which they came.
///
/// A rack that is powered on asks a thousand questions in one second. To refuse them costs each machine its next try, seconds
/// later; to ask them all at once costs the engine a connection for each.
final class CallQueue: Sendable {
    private enum Place {
        /// Not yet in the row.
        case coming
        case waiting(CheckedContinuation<Bool, Never>)
        /// Gave up before it was in the row.
        case gone
    }

    private struct State {
        var free: Int
        var lastTicket: UInt64 = 0
        var places: [UInt64: Place] = [:]
        /// Tickets in their order; those that gave up are still in it.
        var row: [UInt64] = []
        var next = 0
    }

    /// Tickets that had their turn and are still in the row.
    private static let pastMax = 1024

    private let state: Mutex<State>
    private let waitingMax: Int

    /// `places`: calls that go on at once.
    init(places: Int, waitingMax: Int) {
        state = Mutex(State(free: places))
        self.waitingMax = waitingMax
    }

    /// How many wait, or are about to.
    var pending: Int { state.withLock(\.places.count) }

    /// With those who had their turn or gave up; for tests.
    var rowLength: Int { state.withLock(\.row.count) }

    /// How many wait in the row.
    var waiting: Int {
        state.withLock { state in
            state.places.values.count { if case .waiting = $0 { true } else { false } }
        }
    }

    /// True when it is this call's turn; then it must `leave` once. False when too many wait, its turn did not come within the
    /// limit, or its task was cancelled while it waited.
    func enter(within limit: Duration) async -> Bool {
        let ticket: UInt64
        switch arrive() {
        case .turn: return true
        case .full: return false
        case .waits(let number): ticket = number
        }
        let timer = Task {
            try? await Task.sleep(for: limit)
            giveUp(ticket)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { wait(ticket, $0) }
        } onCancel: {
            giveUp(ticket)
        }
    }

    /// The call is over: the first one that waits has its turn.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            while state.next < state.row.count {
                let ticket = state.row[state.next]
                state.next += 1
                // While somebody always waits, the row is never empty.
                if state.next >= Self.pastMax {
                    state.row.removeFirst(state.next)
                    state.next = 0
                }
                if case .waiting(let continuation)? = state.places.removeValue(forKey: ticket) { return continuation }
            }
            (state.row, state.next) = ([], 0)
            state.free += 1
            return nil
        }
        next?.resume(returning: true)
    }

    private enum Arrival {
        case turn
        case waits(UInt64)
        case full
    }

    private func arrive() -> Arrival {
        state.withLock { state in
            guard state.free == 0 else {
                state.free -= 1
                return .turn
            }
            guard state.places.count < waitingMax else { return .full }
            state.lastTicket += 1
            state.places[state.lastTicket] = .coming
            return .waits(state.lastTicket)
        }
    }

    private func wait(_ ticket: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
        let outcome = state.withLock { state -> Bool? in
            guard case .coming? = state.places[ticket] else {
                state.places[ticket] = nil
                return false
            }
            // Somebody left between the arrival and now, and found nobody to wake.
            guard state.free == 0 else {
                state.places[ticket] = nil
                state.free -= 1
                return true
            }
            state.places[ticket] = .waiting(continuation)
            state.row.append(ticket)
            return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    private func giveUp(_ ticket: UInt64) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            switch state.places[ticket] {
            case .waiting(let continuation):
                state.places[ticket] = nil
                return continuation
            case .coming:
                state.places[ticket] = .gone
                return nil
            case .gone, nil: return nil
            }
        }
        continuation?.resume(returning: false)
    }
}
