import HostConversion
import HostModel
import Synchronization

/// The conversions that wait or are worked on, and what the engine signs in by meanwhile: in memory only.
final class ConversionDesk: Sendable {
    private let secrets = Mutex<[UniqueID: ServerCredentials]>([:])
    /// Those that are worked on now, and whether each was put in the row once more meanwhile.
    private let active = Mutex<[UniqueID: Bool]>([:])
    private let arrivals: AsyncStream<UniqueID>
    private let arrival: AsyncStream<UniqueID>.Continuation
    /// Those that are to be stopped, which wait for nobody.
    private let stops: AsyncStream<UniqueID>
    private let stopping: AsyncStream<UniqueID>.Continuation

    /// Conversions that wait for their turn.
    static let waitingMax = 10_000

    init() {
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingMax))
        (stops, stopping) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingMax))
    }

    /// Puts a stored conversion in the row.
    func start(_ job: UniqueID, _ credentials: ServerCredentials? = nil) {
        if let credentials { secrets.withLock { $0[job] = credentials } }
        arrival.yield(job)
    }

    /// A conversion that is to be stopped; whoever works on it sees that by himself.
    func stop(_ job: UniqueID) { stopping.yield(job) }

    func credentials(of job: UniqueID) -> ServerCredentials? { secrets.withLock { $0[job] } }

    /// The server knows the engine's key, or all is over.
    func forget(_ job: UniqueID) { secrets.withLock { _ = $0.removeValue(forKey: job) } }

    private func claim(_ job: UniqueID) -> Bool {
        active.withLock { active in
            defer { active[job] = active[job] != nil }
            return active[job] == nil
        }
    }

    private func release(_ job: UniqueID) {
        let again = active.withLock { $0.removeValue(forKey: job) ?? false }
        if again { arrival.yield(job) }
    }

    /// Works on them in the order in which they came, a few at once, until the task is cancelled.
    func run(atOnce max: Int, _ body: @escaping @Sendable (UniqueID) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.run(self.arrivals, atOnce: max, body) }
            group.addTask { await self.run(self.stops, atOnce: max, body) }
        }
    }

    private func run(
        _ jobs: AsyncStream<UniqueID>,
        atOnce max: Int,
        _ body: @escaping @Sendable (UniqueID) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            var begun = 0
            for await job in jobs {
                if begun >= max {
                    await group.next()
                    begun -= 1
                }
                guard !Task.isCancelled else { break }
                guard claim(job) else { continue }
                group.addTask {
                    await body(job)
                    self.release(job)
                }
                begun += 1
            }
            group.cancelAll()
        }
    }
}

/// How much is done at once, and how long it may take.
package struct ConversionTimes: Sendable {
    /// Servers that are worked on at the same time; the others wait.
    package var atOnce = 8
    /// How long a server may take for its reboot, in milliseconds.
    package var reboot: Int64 = 1_200_000
    /// Between two looks at a server that reboots, and before a broken connection is made anew, in milliseconds.
    package var poll: Int64 = 3000
    /// How long one question waits on a server for another run there, and how long that is waited for in all, in seconds.
    package var lockSeconds = ConversionPatience().lockSeconds
    package var otherRunSeconds = ConversionPatience().otherRun.components.seconds

    /// How long the step at work may go on on a server when its conversion is aborted, in seconds.
    package var abortGraceSeconds = 120
    /// How often a server that does not answer is tried again then.
    package var abortReconnectsMax = 2

    package init() {}

    var patience: ConversionPatience {
        var patience = ConversionPatience(pause: .milliseconds(poll))
        (patience.lockSeconds, patience.otherRun) = (lockSeconds, .seconds(otherRunSeconds))
        return patience
    }
}
