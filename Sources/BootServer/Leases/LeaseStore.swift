package import BootWire
package import HostModel
package import NIOPosix

/// The leases of one server, in memory and in a journal: the one place where they change.
///
/// What a reply promises is on the disk before the reply goes out. Messages that come while the disk is busy share the next
/// write (group commit), so that a storm costs a few syncs, not thousands.
package actor LeaseStore {
    private let networks: DHCPNetworks
    /// One for each network, in their order.
    private var tables: [LeaseTable]
    /// Leases of networks that are not served now: they stay in the journal, and are there again when the network is.
    private let unserved: [Lease]
    /// Addresses that somebody was seen with in this round of questions.
    private var seen: Set<IPv4Address> = []
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

    /// For whom there is room in a storm. Some of them may be known no more: `knows` is the judge.
    nonisolated let known = KnownCards()

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
        networks: DHCPNetworks,
        tables: [LeaseTable],
        unserved: [Lease],
        journal: LeaseJournal,
        clock: LeaseClock,
        threads: NIOThreadPool,
        damagedLines: Int,
        compactionBytesMin: Int
    ) {
        (self.networks, self.tables, self.unserved, self.journal) = (networks, tables, unserved, journal)
        (self.clock, self.threads) = (clock, threads)
        (self.damagedLines, self.compactionBytesMin) = (damagedLines, compactionBytesMin)
    }

    /// One network's store.
    package static func open(
        directory: String,
        settings: DHCPSettings,
        clock: LeaseClock = .system(),
        threads: NIOThreadPool = .singleton,
        compactionBytesMin: Int = compactionBytesMin
    ) async throws -> LeaseStore {
        try await open(
            directory: directory,
            networks: DHCPNetworks(settings),
            clock: clock,
            threads: threads,
            compactionBytesMin: compactionBytesMin
        )
    }

    /// Opens the journal in `directory` (made when missing), reads it back, and writes it anew without what is past.
    package static func open(
        directory: String,
        networks: DHCPNetworks,
        clock: LeaseClock = .system(),
        threads: NIOThreadPool = .singleton,
        compactionBytesMin: Int = compactionBytesMin
    ) async throws -> LeaseStore {
        let (journal, bytes) = try await threads.runIfActive {
            let journal = try LeaseJournal.open(directory: directory)
            return (journal, try journal.contents())
        }
        let (records, damaged) = LeaseRecord.records(in: bytes)
        var tables = networks.all.map { $0.emptyLeaseTable() }
        let (now, wall) = (clock.now(), clock.wall())
        var unserved: [IPv4Address: Lease] = [:]
        for record in records {
            let lease = record.lease(now: now, wall: wall)
            if let index = networks.index(of: record.address) {
                tables[index].apply(.set(lease))
            } else {
                unserved[record.address] = lease
            }
        }
        let store = LeaseStore(
            networks: networks,
            tables: tables,
            unserved: Array(unserved.values),
            journal: journal,
            clock: clock,
            threads: threads,
            damagedLines: damaged,
            compactionBytesMin: compactionBytesMin
        )
        try await store.compact()
        await store.tellKnown()
        return store
    }

    /// Every lease of the networks that are served, in the order of addresses.
    package var leases: [Lease] { tables.flatMap(\.unordered).sorted { $0.address < $1.address } }

    /// What each network has, as it comes: the actor answers DHCP, and others may sort.
    private var unordered: [[Lease]] { tables.map(\.unordered) }

    /// The networks and the leases as a person is shown them, at most `max` leases, and how many there are.
    nonisolated func listing(
        max: Int
    ) async -> (networks: [BootStatus.Network], leases: [BootStatus.Lease], count: Int) {
        let leases = await unordered
        let (now, wall) = (clock.now(), clock.wall())
        let networks = zip(networks.all, leases).map { settings, leases in
            BootStatus.Network(
                network: settings.network,
                pool: "\(settings.pool.lowerBound)-\(settings.pool.upperBound)",
                pool_size: Int(settings.pool.upperBound.rawValue - settings.pool.lowerBound.rawValue) + 1,
                in_use: leases.count { $0.state == .bound && $0.isActive(at: now) }
            )
        }
        let all = leases.joined().sorted { $0.address < $1.address }
        let shown = all.prefix(max).map { lease in
            BootStatus.Lease(
                address: lease.address,
                mac: lease.client.mac,
                state: lease.state == .released || lease.isActive(at: now) ? lease.state.rawValue : "expired",
                expires: wall + (lease.expiry - now).components.seconds
            )
        }
        return (networks, Array(shown), all.count)
    }

    /// The machine that has an address now; `nil` when nobody has it from here.
    package func machine(at address: IPv4Address) -> MACAddress? {
        guard let index = networks.index(of: address), let lease = tables[index].lease(at: address),
            lease.state == .bound, lease.isActive(at: clock.now())
        else { return nil }
        return lease.client.mac
    }

    /// True for a machine with an address kept for it, and for one that has a lease, in the network that its message is of.
    package func knows(_ client: LeaseClient, by responder: DHCPResponder) -> Bool {
        tables[index(of: responder)].knows(client, at: clock.now())
    }

    private func tellKnown() {
        let now = clock.now()
        known.replace(with: tables.reduce(into: Set()) { $0.formUnion($1.knownCards(at: now)) })
    }

    private func index(of responder: DHCPResponder) -> Int { networks.index(of: responder.settings.network.first) ?? 0 }

    /// Takes the place of all reservations; returns those that none of the networks can give.
    package func keep(_ reservations: [AddressReservation]) -> [AddressReservation] {
        var refused = reservations
        for index in tables.indices {
            let here = Set(tables[index].keep(reservations))
            refused.removeAll { !here.contains($0) }
        }
        tellKnown()
        return refused
    }

    // MARK: - Addresses that others were seen with, in the server's own network

    /// Addresses of the pool that nobody has from here.
    func unleased() -> [IPv4Address] { tables[0].unleased(at: clock.now()) }

    /// True when the address can no longer be given because of it.
    func note(_ address: IPv4Address, heldBy mac: MACAddress) -> Bool {
        seen.insert(address)
        return tables[0].note(address, heldBy: mac, at: clock.now())
    }

    /// The addresses that somebody was seen with until now.
    func beginRound() -> [IPv4Address] {
        seen = []
        return tables[0].held
    }

    /// Forgets those of them that nobody was seen with since.
    func endRound(forgetting held: [IPv4Address]) {
        for address in held where !seen.contains(address) {
            _ = tables[0].note(address, heldBy: nil, at: clock.now())
        }
    }

    /// Answers a message and makes what it changes durable. When this throws, the reply must not be sent.
    package func respond(
        to packet: DHCPPacket,
        with responder: DHCPResponder,
        verdict: DHCPResponder.BootVerdict
    ) async throws(LeaseStoreError) -> DHCPOutcome {
        try requireOpen()
        let now = clock.now()
        let index = index(of: responder)
        let outcome = responder.respond(to: packet, leases: tables[index], verdict: verdict, now: now)
        for change in outcome.changes {
            tables[index].apply(change)
            if case .set(let lease) = change, lease.state == .bound { known.insert(lease.client.mac) }
        }
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

    /// Writes the tables as they are, which hold every record that waits.
    private func compact() async throws(LeaseStoreError) {
        let (now, wall) = (clock.now(), clock.wall())
        let durable = tables.flatMap(\.unordered).filter { $0.state != .offered } + unserved
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
