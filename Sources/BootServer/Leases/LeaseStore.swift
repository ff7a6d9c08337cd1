package import BootWire
package import HostModel
package import NIOPosix

/// The leases of one network, in memory and in a journal: the one place where they change.
///
/// What a reply promises is on the disk before the reply goes out. Messages that come while the disk is busy share the next
/// write (group commit), so that a storm costs a few syncs, not thousands.
package actor LeaseStore {
    private var table: LeaseTable
    private let journal: LeaseJournal
    private let clock: LeaseClock
    private let threads: NIOThreadPool

    private var pending: [LeaseRecord] = []
    private var waiters: [CheckedContinuation<Turn, Never>] = []
    private var isWriting = false
    private var isClosed = false
    private var closers: [CheckedContinuation<Void, Never>] = []
    /// Bytes in the file; more than `bytesMax` and it is written anew.
    private var fileBytes = 0
    private var liveBytes = 0
    /// A write failed: what the file ends with is not known, so the next write replaces it.
    private var needsReplacing = false

    /// Lines that could not be read at the start. One is what a crash leaves; more mean a damaged disk.
    package nonisolated let damagedLines: Int

    /// A journal is rewritten when it is longer than this and four times the leases in it.
    package static let compactionBytesMin = 1 << 20
    private static let compactionFactor = 4
    private let compactionBytesMin: Int

    /// What a message that waits for the disk is woken for.
    private enum Turn {
        case lead
        case written(Result<Void, LeaseStoreError>)
    }

    private init(
        table: LeaseTable,
        journal: LeaseJournal,
        clock: LeaseClock,
        threads: NIOThreadPool,
        damagedLines: Int,
        compactionBytesMin: Int
    ) {
        (self.table, self.journal, self.clock, self.threads) = (table, journal, clock, threads)
        (self.damagedLines, self.compactionBytesMin) = (damagedLines, compactionBytesMin)
    }

    /// Opens the journal in `directory` (made when missing), reads it back, and writes it anew without what is past.
    package static func open(
        directory: String,
        settings: DHCPSettings,
        clock: LeaseClock = .system(),
        threads: NIOThreadPool = .singleton,
        compactionBytesMin: Int = compactionBytesMin
    ) async throws -> LeaseStore {
        let (journal, bytes) = try await threads.runIfActive {
            let journal = try LeaseJournal.open(directory: directory)
            return (journal, try journal.contents())
        }
        let (records, damaged) = LeaseRecord.records(in: bytes)
        var table = settings.emptyLeaseTable()
        let (now, wall) = (clock.now(), clock.wall())
        for record in records { table.apply(.set(record.lease(now: now, wall: wall))) }
        let store = LeaseStore(
            table: table,
            journal: journal,
            clock: clock,
            threads: threads,
            damagedLines: damaged,
            compactionBytesMin: compactionBytesMin
        )
        try await store.compact()
        return store
    }

    package var leases: [Lease] { table.leases }

    /// The machine that has an address now; `nil` when nobody has it from here.
    package func machine(at address: IPv4Address) -> MACAddress? {
        guard let lease = table.lease(at: address), lease.state == .bound, lease.isActive(at: clock.now()) else {
            return nil
        }
        return lease.client.mac
    }

    /// True for a machine with an address kept for it, and for one that has a lease.
    package func knows(_ client: LeaseClient) -> Bool { table.knows(client, at: clock.now()) }

    /// Takes the place of all reservations; returns those that this network cannot give.
    package func keep(_ reservations: [AddressReservation]) -> [AddressReservation] { table.keep(reservations) }

    /// Answers a message and makes what it changes durable. When this throws, the reply must not be sent.
    package func respond(
        to packet: DHCPPacket,
        with responder: DHCPResponder,
        verdict: DHCPResponder.BootVerdict
    ) async throws(LeaseStoreError) -> DHCPOutcome {
        try requireOpen()
        let now = clock.now()
        let outcome = responder.respond(to: packet, leases: table, verdict: verdict, now: now)
        for change in outcome.changes { table.apply(change) }
        let wall = clock.wall()
        let records = outcome.changes.filter(\.isDurable).compactMap { change -> LeaseRecord? in
            guard case .set(let lease) = change else { return nil }
            return LeaseRecord(lease, now: now, wall: wall)
        }
        if !records.isEmpty { try await commit(records) }
        return outcome
    }
}

// MARK: - Group commit

extension LeaseStore {
    /// Waits for writes under way and lets go of the directory, so that the next process, or the next store of this one,
    /// may have it. Nothing is answered afterwards. May be called twice.
    package func close() async {
        isClosed = true
        if isWriting { await withCheckedContinuation { closers.append($0) } }
        journal.close()
    }

    private func requireOpen() throws(LeaseStoreError) {
        guard !isClosed else { throw LeaseStoreError(stopping: "the boot server stops") }
    }

    private func commit(_ records: [LeaseRecord]) async throws(LeaseStoreError) {
        try requireOpen()
        pending += records
        let turn = await withCheckedContinuation { continuation in
            if isWriting {
                waiters.append(continuation)
            } else {
                isWriting = true
                continuation.resume(returning: .lead)
            }
        }
        switch turn {
        case .written(let result): try result.get()
        case .lead: try await lead().get()
        }
    }

    /// Writes all that waits, wakes those whose records these were, and hands the pen to the next who came meanwhile.
    private func lead() async -> Result<Void, LeaseStoreError> {
        let (batch, followers) = (pending, waiters)
        (pending, waiters) = ([], [])
        let result = await write(batch)
        for follower in followers { follower.resume(returning: .written(result)) }
        if waiters.isEmpty {
            isWriting = false
            for closer in closers { closer.resume() }
            closers = []
        } else {
            waiters.removeFirst().resume(returning: .lead)
        }
        return result
    }

    private func write(_ batch: [LeaseRecord]) async -> Result<Void, LeaseStoreError> {
        let bytes = batch.flatMap { $0.line.utf8 }
        let isLong = fileBytes > max(compactionBytesMin, Self.compactionFactor * liveBytes)
        do throws(LeaseStoreError) {
            if needsReplacing || isLong {
                try await compact()
            } else {
                try await onDisk { journal throws(LeaseStoreError) in try journal.append(bytes) }
                fileBytes += bytes.count
            }
            return .success(())
        } catch {
            needsReplacing = true
            return .failure(error)
        }
    }

    /// Writes the table as it is, which holds every record that waits.
    private func compact() async throws(LeaseStoreError) {
        let (now, wall) = (clock.now(), clock.wall())
        let durable = table.leases.filter { $0.state != .offered }
        let bytes = durable.flatMap { LeaseRecord($0, now: now, wall: wall).line.utf8 }
        try await onDisk { journal throws(LeaseStoreError) in try journal.replace(with: bytes) }
        (fileBytes, liveBytes, needsReplacing) = (bytes.count, bytes.count, false)
    }

    private func onDisk(
        _ body: @escaping @Sendable (LeaseJournal) throws(LeaseStoreError) -> Void
    ) async throws(LeaseStoreError) {
        let journal = journal
        let result: Result<Void, LeaseStoreError>
        do {
            result = try await threads.runIfActive {
                Result { () throws(LeaseStoreError) in try body(journal) }
            }
        } catch {
            throw LeaseStoreError(stopping: "\(error)")
        }
        try result.get()
    }
}
