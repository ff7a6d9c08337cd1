import HostModel
import Synchronization

/// Which hosts are watched: one task each, which starts anew when the host was changed from outside.
final class HostSupervisor: Sendable {
    private let bells = Mutex<[UniqueID: EventFeed]>([:])
    private let arrivals: AsyncStream<UniqueID>
    private let arrival: AsyncStream<UniqueID>.Continuation

    /// Hosts that wait for their task; far above what one engine manages.
    static let arrivalsMax = 100_000

    init() {
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.arrivalsMax))
    }

    /// A host was approved, changed or removed: its task looks again, or begins.
    func watch(_ id: UniqueID) {
        let isWatched = bells.withLock { bells in
            bells[id].map { $0.announce($0.newest + 1) } != nil
        }
        if !isWatched { arrival.yield(id) }
    }

    /// Runs `body` for each watched host until the task is cancelled. `body` is cancelled and run again at each change,
    /// and ends the watch by returning.
    func run(_ body: @escaping @Sendable (UniqueID) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await id in arrivals {
                guard let bell = begin(id) else { continue }
                group.addTask { await self.watch(id, bell, body) }
            }
            group.cancelAll()
        }
    }

    /// `nil` where the host is watched already; its task then looks again.
    private func begin(_ id: UniqueID) -> EventFeed? {
        bells.withLock { bells in
            if let bell = bells[id] {
                bell.announce(bell.newest + 1)
                return nil
            }
            let bell = EventFeed(newest: 0)
            bells[id] = bell
            return bell
        }
    }

    private func watch(_ id: UniqueID, _ bell: EventFeed, _ body: @escaping @Sendable (UniqueID) async -> Void) async {
        while !Task.isCancelled {
            let seen = bell.newest
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await body(id) }
                group.addTask { await bell.wait(after: seen, atMost: .seconds(Int64.max / 4)) }
                await group.next()
                group.cancelAll()
            }
            let isOver = bells.withLock { bells in
                guard bell.newest == seen else { return false }
                bells[id] = nil
                return true
            }
            if isOver { return }
        }
    }
}
