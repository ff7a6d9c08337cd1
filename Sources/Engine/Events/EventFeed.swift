import Synchronization

/// Wakes those who wait for news. Holds no events, only the index of the newest.
final class EventFeed: Sendable {
    private struct State {
        var newest: Int64
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    private let state: Mutex<State>

    /// Waits at one time; one more returns at once and so becomes a poll.
    static let waitersMax = 1024
    static let fullPause = Duration.seconds(1)

    init(newest: Int64) { state = Mutex(State(newest: newest)) }

    var newest: Int64 { state.withLock(\.newest) }

    func announce(_ index: Int64) {
        let waiters = state.withLock { state in
            state.newest = max(state.newest, index)
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns when something newer than `index` was announced, or the time is over, or the task is cancelled.
    func wait(after index: Int64, atMost duration: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled, await self.waitOnce(after: index) {}
                // No place to wait: who asks again at once would ask without end.
                if self.newest <= index { try? await Task.sleep(for: Self.fullPause) }
            }
            group.addTask { try? await Task.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
    }

    /// False when there is nothing to wait for any more.
    private func waitOnce(after index: Int64) async -> Bool {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayWait = state.withLock { state in
                    guard state.newest <= index, state.waiters.count < Self.waitersMax,
                        state.cancelled.remove(id) == nil
                    else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !mayWait { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            waiter?.resume()
        }
        return state.withLock { state in
            state.cancelled.remove(id)
            return state.newest <= index && state.waiters.count < Self.waitersMax
        }
    }
}
