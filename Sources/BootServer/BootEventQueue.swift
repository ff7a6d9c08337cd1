package import HostModel
package import Logging
import Synchronization

/// Boot events on their way to the directory. Offering one never waits, so that no boot waits for the engine; a full
/// queue drops the newest and counts it.
package final class BootEventQueue: Sendable {
    /// Events kept while the directory is slow or away.
    package static let eventsMax = 4096
    /// Events of one call.
    package static let batchMax = 64
    /// Calls tried for one batch, with waits of 1, 2, 4, 8 and 16 s between them; then it is dropped.
    package static let triesMax = 6

    private struct Waiting {
        var events: [BootEvent] = []
        var dropped = 0
        var isFinished = false
    }

    /// Sees every step of every machine.
    let loops = LoopGuard()
    let standstills = Standstills()
    /// What the servers count, and what is lost here.
    let figures: BootFigures
    private let waiting = Mutex(Waiting())
    private let directory: any BootDirectory
    private let logger: Logger
    private let wakeups: AsyncStream<Void>
    private let wakeup: AsyncStream<Void>.Continuation

    package init(directory: any BootDirectory, figures: BootFigures = BootFigures(), logger: Logger) {
        (self.directory, self.figures, self.logger) = (directory, figures, logger)
        (wakeups, wakeup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes an event, and writes it to the log; and another one when by it a machine goes in a circle.
    package func offer(_ event: BootEvent) {
        enqueue(event)
        standstills.follow(event)
        if let loop = loops.follow(event) { enqueue(loop) }
    }

    private func enqueue(_ event: BootEvent) {
        let address = event.address.map { " (\($0))" } ?? ""
        logger.info("\(event.mac)\(address) \(event.stage.rawValue): \(event.detail)")
        waiting.withLock { waiting in
            if waiting.events.count < Self.eventsMax {
                waiting.events.append(event)
            } else {
                waiting.dropped += 1
            }
        }
        wakeup.yield()
    }

    /// Hands the events on until `finish`; what waits then is tried once more.
    package func run() async {
        for await _ in wakeups {
            while await sendBatch() {}
        }
        while await sendBatch() {}
    }

    /// No more events come.
    package func finish() {
        waiting.withLock { $0.isFinished = true }
        wakeup.finish()
    }

    /// False when nothing waits.
    private func sendBatch() async -> Bool {
        let (batch, dropped) = waiting.withLock { waiting in
            let batch = Array(waiting.events.prefix(Self.batchMax))
            waiting.events.removeFirst(batch.count)
            defer { waiting.dropped = 0 }
            return (batch, waiting.dropped)
        }
        if dropped > 0 { figures.count { $0.events_lost += UInt64(dropped) } }
        if dropped > 0 { logger.warning("\(dropped) boot events were dropped: the engine is too slow or away") }
        guard !batch.isEmpty else { return false }
        await deliver(batch)
        return true
    }

    private func deliver(_ batch: [BootEvent]) async {
        var pause = 1
        for attempt in 1...Self.triesMax {
            do {
                try await directory.record(batch)
                return
            } catch {
                let isLast = attempt == Self.triesMax || waiting.withLock(\.isFinished)
                if isLast {
                    figures.count { $0.events_lost += UInt64(batch.count) }
                    logger.warning("\(batch.count) boot events were lost after \(attempt) tries: \(error)")
                    return
                }
                if attempt == 1 { logger.warning("boot events could not be handed to the engine: \(error)") }
                try? await Task.sleep(for: .seconds(pause))
                pause *= 2
            }
        }
    }
}

/// A directory whose `record` only queues: what the DHCP, TFTP and HTTP servers are given.
package struct QueueingDirectory: BootDirectory {
    private let directory: any BootDirectory
    private let events: BootEventQueue

    package init(directory: any BootDirectory, events: BootEventQueue) {
        (self.directory, self.events) = (directory, events)
    }

    package func answer(_ request: BootRequest) async throws -> BootAnswer { try await directory.answer(request) }

    package func record(_ events: [BootEvent]) async throws {
        for event in events { self.events.offer(event) }
    }

    package func reservations() async throws -> [AddressReservation] { try await directory.reservations() }

    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        try await directory.issueArrival(request)
    }

    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        try await directory.issueKickstart(request)
    }

    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        try await directory.fetchKickstart(fetch)
    }

    package func report(status: BootStatus) async throws { try await directory.report(status: status) }

    package func report(_ report: InstallReport) async throws -> InstallReportAnswer {
        try await directory.report(report)
    }
}
