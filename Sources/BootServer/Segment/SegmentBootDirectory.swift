import Crypto
import EngineClient
package import HostModel
package import Logging
import Synchronization

/// The engine's `BootDirectory` from another segment: asked over mutual TLS while it answers; while it is away, known machines
/// are served by its last answers, and what happens is kept for it.
///
/// Away is only an engine that cannot be reached. One that refuses is obeyed; one that says that it does not know this boot
/// server ends everything that is kept of it.
package final class SegmentBootDirectory: BootDirectory {
    /// Where the engine is, as far as this boot server can tell.
    private enum Contact: Hashable, Sendable {
        case there
        /// Since when, in milliseconds since 1970.
        case away(since: Int64)
        /// It does not know this boot server any more.
        case removed
    }

    /// The engine has removed this boot server, and what it had said counts no more.
    package struct Removed: Error, CustomStringConvertible {
        package init() {}

        package var description: String {
            "the engine does not know this boot server: it was removed, or the engine was restored from an older backup"
        }
    }

    /// Nothing that the engine said of this machine may be told while it is away.
    struct Unknown: Error, CustomStringConvertible {
        var since: Int64
        var description: String {
            "the engine has been away since \(SegmentClock.text(since)), and there is no answer of it for this machine"
        }
    }

    private let remote: RemoteBootDirectory
    private let cache: AnswerCache
    private let spool: EventSpool
    package let images: ImageStore
    private let clock: SegmentClock
    private let logger: Logger
    private let contact = Mutex(Contact.there)
    private let certificateEnd: Mutex<Int64>
    private let folder: MembershipFolder
    private let id: UniqueID
    private let authority: SegmentMembership
    private let wakeups: AsyncStream<Void>
    private let wakeup: AsyncStream<Void>.Continuation
    private let removal: AsyncStream<Void>
    private let removed: AsyncStream<Void>.Continuation

    /// How often an engine that is away is tried, and the most that a try may take.
    private static let probeInterval = Duration.seconds(2)
    /// How often the engine is asked for the next certificate.
    private static let renewalInterval = Duration.seconds(6 * 3600)
    private static let ownerFile = "owner"

    /// What the boot server keeps, and for how long.
    package struct Limits: Sendable {
        /// Of an answer that is given out while the engine is away, in milliseconds.
        package var answerAge: Int64 = 7 * 24 * 3_600_000
        /// Bytes of images.
        package var imageBytes: Int64 = 20 << 30

        package init() {}
    }

    /// Opens what the state directory holds; may block on the disk. What was kept under another enrolment is forgotten.
    package init(
        _ remote: RemoteBootDirectory,
        membership: SegmentMembership,
        stateDirectory: String,
        limits: Limits = Limits(),
        clock: SegmentClock = .system,
        logger: Logger
    ) throws {
        (self.remote, self.clock, self.logger) = (remote, clock, logger)
        (id, authority) = (membership.id, membership)
        folder = try MembershipFolder(stateDirectory: stateDirectory)
        certificateEnd = Mutex(membership.end)
        let root = CacheDirectory("\(stateDirectory)/cache")
        try root.make()
        if root.value(String.self, in: Self.ownerFile, bytesMax: 1024) != membership.id.rawValue {
            root.remove("reservations")
            for name in ["answers", "events"] { CacheDirectory("\(root.path)/\(name)").empty() }
            try root.write(value: membership.id.rawValue, as: Self.ownerFile)
        }
        cache = try AnswerCache(directory: root.path, ageMax: limits.answerAge, logger: logger)
        spool = try EventSpool(directory: "\(root.path)/events", logger: logger)
        images = try ImageStore(
            directory: "\(root.path)/images",
            bytesMax: limits.imageBytes,
            source: remote,
            logger: logger
        )
        (wakeups, wakeup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (removal, removed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        if spool.waiting > 0 { wakeup.yield() }
    }

    /// Of the engine's CA certificate, for the command lines of nodes.
    package var authorityFingerprint: Nonce { authority.authority.fingerprint }

    /// The engine has sent this boot server away.
    package var isRemoved: Bool { contact.withLock { $0 == .removed } }

    // MARK: BootDirectory

    package func answer(_ request: BootRequest) async throws -> BootAnswer {
        if let since = try away() { return try remembered(request, since) }
        do {
            let answer = try await asking { try await self.remote.answer(request) }
            await cache.keep(answer, to: request, at: clock.now())
            if let manifest = answer.manifest, AnswerCache.isKept(answer) { images.want(manifest) }
            return answer
        } catch let error as RemoteBootDirectory.Failure {
            guard case .unreachable = error, let since = try away() else { throw error }
            return try remembered(request, since)
        }
    }

    private func remembered(_ request: BootRequest, _ since: Int64) throws -> BootAnswer {
        guard let entry = cache.answer(to: request, at: clock.now()) else { throw Unknown(since: since) }
        var answer = entry.answer
        answer.reason +=
            ", by what the engine said at \(SegmentClock.text(entry.time)); it has been away since \(SegmentClock.text(since))"
        return answer
    }

    package func record(_ events: [BootEvent]) async throws {
        guard contact.withLock({ $0 != .removed }) else { return }
        await spool.keep(events, at: clock.now())
        wakeup.yield()
    }

    package func reservations() async throws -> [AddressReservation] {
        guard try away() == nil else { return cache.reservations ?? [] }
        do {
            let reservations = try await asking { try await self.remote.freshReservations() }
            await cache.keep(reservations)
            return reservations
        } catch let error as RemoteBootDirectory.Failure {
            guard case .unreachable = error else { throw error }
            return cache.reservations ?? []
        }
    }

    package func report(status: BootStatus) async throws {
        guard try away() == nil else { return }
        try await asking { try await self.remote.report(status: status) }
    }

    // Each makes or spends a token: the engine alone can answer, and nothing of it is kept.

    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        try await remote.issueArrival(request)
    }

    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        try await remote.issueKickstart(request)
    }

    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        try await remote.fetchKickstart(fetch)
    }

    package func report(_ report: InstallReport) async throws -> InstallReportAnswer { try await remote.report(report) }

    // MARK: Contact

    /// Since when the engine is away; `nil` while it is there.
    private func away() throws(Removed) -> Int64? {
        switch contact.withLock(\.self) {
        case .there: return nil
        case .away(let since): return since
        case .removed: throw Removed()
        }
    }

    /// Does a call that every boot server may do, and learns from it where the engine is.
    private func asking<Value: Sendable>(_ call: () async throws -> Value) async throws -> Value {
        do {
            let value = try await call()
            await hear()
            return value
        } catch let error as RemoteBootDirectory.Failure {
            switch error {
            case .unreachable(.cancelled): break
            case .unreachable(let reason): miss(reason.description)
            case .refused(let status, _) where status == 401 || status == 403:
                await obeyRemoval()
                throw Removed()
            case .refused, .malformed: await hear()
            case .tooManyCalls: break
            }
            throw error
        }
    }

    private func miss(_ reason: String) {
        let isNews = contact.withLock { contact in
            guard contact == .there else { return false }
            contact = .away(since: clock.now())
            return true
        }
        guard isNews else { return }
        logger.warning(
            "the engine is away: \(reason); known machines are served by its last answers (\(cache.count)), others are told to try again"
        )
    }

    private func hear() async {
        let since: Int64? = contact.withLock { contact in
            guard case .away(let since) = contact else { return nil }
            contact = .there
            return since
        }
        guard let since else { return }
        logger.notice(
            "the engine is back; it was away since \(SegmentClock.text(since)), \(spool.waiting) steps wait for it"
        )
        wakeup.yield()
    }

    private func obeyRemoval() async {
        let isNews = contact.withLock { contact in
            defer { contact = .removed }
            return contact != .removed
        }
        guard isNews else { return }
        logger.error("\(Removed()): nothing of what it said is served any more")
        await cache.empty()
        folder.forget()
        removed.yield()
    }

    // MARK: Running

    /// Hands steps over, tries an engine that is away, and has the certificate renewed, until it is cancelled. Throws `Removed`
    /// when the engine does not know this boot server any more.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.handOver() }
            group.addTask { await self.probe() }
            group.addTask { await self.renew() }
            group.addTask { await self.images.run() }
            group.addTask {
                for await _ in self.removal { throw Removed() }
            }
            // The first that throws ends the others.
            while try await group.next() != nil {}
        }
    }

    private func probe() async {
        while !Task.isCancelled {
            if case .away = contact.withLock(\.self) {
                let kept = try? await asking { try await self.remote.freshReservations() }
                if let kept { await cache.keep(kept) }
            }
            try? await Task.sleep(for: Self.probeInterval)
        }
    }

    private func handOver() async {
        for await _ in wakeups {
            while !Task.isCancelled, await handOverBatch() {}
        }
    }

    /// False when nothing waits, or the engine is away: its return wakes.
    private func handOverBatch() async -> Bool {
        guard contact.withLock(\.self) == .there else { return false }
        let batch = await spool.next(at: clock.now())
        guard let last = batch.last?.number else { return false }
        do {
            try await asking { try await self.remote.record(batch) }
        } catch let error as RemoteBootDirectory.Failure {
            guard case .refused(let status, let detail) = error, [400, 413, 422].contains(status) else {
                // Its own trouble passes.
                if case .unreachable = error { return false }
                try? await Task.sleep(for: Self.probeInterval)
                return true
            }
            logger.error("the engine does not take \(batch.count) steps of machines: \(detail); they are dropped")
        } catch {
            return false
        }
        await spool.handOver(upTo: last)
        return true
    }

    private func renew() async {
        while !Task.isCancelled {
            if contact.withLock(\.self) == .there {
                do { try await takeCertificate() } catch {
                    logger.debug("the engine gave no certificate: \(error)")
                }
            }
            try? await Task.sleep(for: Self.renewalInterval)
        }
    }

    private func takeCertificate() async throws {
        let chain = try await asking { try await self.remote.certificate() }
        guard let end = Authority.end(of: chain), end != certificateEnd.withLock(\.self), let key = folder.key() else {
            return
        }
        let (role, now) = (MembershipFolder.role(id), clock.now() / 1000)
        try authority.authority.check(chain: chain, isFor: key.publicKey, role: role, now: now)
        try folder.renew(chain: chain)
        guard let next = folder.membership() else { return }
        try remote.renew(next)
        certificateEnd.withLock { $0 = end }
        logger.notice("this boot server has its next certificate, until \(SegmentClock.text(end * 1000))")
    }
}
