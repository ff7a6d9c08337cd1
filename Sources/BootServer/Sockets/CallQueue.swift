import Synchronization

/// Lets a few calls go on at once, and has the next ones wait for their turn, in the order in which they came; when the first
/// has waited too long for that, the last one goes first. Whoever asks has a limit of its own for an answer: in a long row that
/// keeps its order everybody would have their turn when it is of no use any more, and who fills it would keep all others out.
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
        /// Tickets in their order, and when they came; those that gave up are still in it.
        var row: [(ticket: UInt64, since: ContinuousClock.Instant)] = []
        var next = 0

        /// The next one whose turn it is.
        mutating func turn(_ patience: Duration) -> CheckedContinuation<Bool, Never>? {
            while next < row.count {
                let first = row[next]
                guard case .waiting? = places[first.ticket] else {
                    next += 1
                    continue
                }
                let isLong = first.since.duration(to: .now) > patience
                let ticket = isLong ? row.removeLast().ticket : first.ticket
                if !isLong { next += 1 }
                if case .waiting(let continuation)? = places.removeValue(forKey: ticket) { return continuation }
            }
            return nil
        }

        /// Forgets those who had their turn: while somebody always waits, the row is never empty.
        mutating func shorten() {
            guard next == row.count || next >= Self.pastMax else { return }
            row.removeFirst(next)
            next = 0
        }

        private static let pastMax = 1024
    }

    private let state: Mutex<State>
    private let waitingMax: Int
    private let patience: Duration

    /// `places`: calls that go on at once. `patience`: how long the first of the row waits before the last one goes first; half
    /// of what a machine waits for by DHCP.
    init(places: Int, waitingMax: Int, patience: Duration = .milliseconds(500)) {
        state = Mutex(State(free: places))
        (self.waitingMax, self.patience) = (waitingMax, patience)
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

    /// True when it is this call's turn; then it must `leave` once. False when its turn did not come within the limit, too many
    /// came after it, or its task was cancelled while it waited.
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

    /// The call is over: the next one has its turn.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            defer { state.shorten() }
            if let next = state.turn(patience) { return next }
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
        let (arrival, pushedOut) = state.withLock { state -> (Arrival, CheckedContinuation<Bool, Never>?) in
            guard state.free == 0 else {
                state.free -= 1
                return (.turn, nil)
            }
            var last: CheckedContinuation<Bool, Never>?
            if state.places.count >= waitingMax {
                // Who has waited longest is the nearest to giving up.
                last = state.turn(.seconds(1 << 40))
                guard last != nil else { return (.full, nil) }
            }
            state.lastTicket += 1
            state.places[state.lastTicket] = .coming
            return (.waits(state.lastTicket), last)
        }
        pushedOut?.resume(returning: false)
        return arrival
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
            state.row.append((ticket, .now))
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
