import HostModel
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Who has the images: the engine.
protocol ImageSource: Sendable {
    func manifest(_ image: String, _ version: String) async throws -> ImageManifest
    func piece(
        _ image: String,
        _ version: String,
        _ file: String,
        from offset: Int64,
        upTo end: Int64?
    ) async throws(RemoteBootDirectory.Failure) -> ByteBuffer
}

extension RemoteBootDirectory: ImageSource {}

/// The images of a boot server on another segment: each file is fetched from the engine once for the whole rack, verified by
/// the manifest's SHA-256 before anybody gets a byte of it, and kept as long as there is room.
///
/// However many ask for a file, it is fetched once; they wait for it, `waitMax` at most, and are then told to come again. Nobody
/// gets the beginning of a file whose end is not there: it could not be verified.
package final class ImageStore: Sendable {
    /// What became of a wish for a file.
    package enum Readiness: Hashable, Sendable {
        /// It lies in the image directory, verified.
        case ready
        /// The engine has no such file.
        case missing
        /// It is not there yet; asked again after so many seconds it may be.
        case later(seconds: Int)
    }

    struct Limits: Sendable {
        /// How long a machine is kept waiting: firmware and loaders do not know "later" as well as iPXE does.
        var wait: Duration = .seconds(20)
        /// Fetches at one time.
        var fetches = 4
        /// Files that are fetched or wait for it; half of them of images that are not known, for anybody may ask for any name.
        var flights = 64
        /// After a call that did not reach the engine it is not asked about unknown images for so many milliseconds.
        var awayPause: Int64 = 5000
        /// A part of a file that nothing was added to for so many seconds is not gone on with after a start.
        var partialAge: Int64 = 86_400
        /// Tries of one fetch when the engine does not answer, with pauses between.
        var tries = 5
        var pause: Duration = .seconds(2)
        /// A version that was used within so many seconds is not taken away for another one.
        var inUse: Int64 = 600
        /// A manifest or a signature is asked for again after so many milliseconds: a new key may have signed.
        var descriptionAge: Int64 = 30_000
    }

    enum Outcome: Hashable, Sendable {
        case ready
        case missing
        case failed
    }

    /// One fetch, and those who wait for it.
    final class Flight: Sendable {
        let state = Mutex<(outcome: Outcome?, waiters: [AsyncStream<Outcome>.Continuation])>((nil, []))

        func land(_ outcome: Outcome) {
            let waiters = state.withLock { state in
                defer { state = (outcome, []) }
                return state.waiters
            }
            for waiter in waiters { waiter.yield(outcome) }
        }

        /// `nil` when it takes longer.
        func wait(_ limit: Duration) async -> Outcome? {
            let (stream, feed) = AsyncStream.makeStream(of: Outcome.self)
            let known = state.withLock { state in
                if state.outcome == nil { state.waiters.append(feed) }
                return state.outcome
            }
            if let known { return known }
            return try? await withTimeLimit(limit) {
                for await outcome in stream { return outcome }
                throw CancellationError()
            }
        }
    }

    struct State {
        var flights: [BootRoute.ImageFile: Flight] = [:]
        var verified: [BootRoute.ImageFile: ImageShelfFiles.Identity] = [:]
        var manifests: [ImageShelfFiles.Version: ImageManifest] = [:]
        var used: [ImageShelfFiles.Version: Int64] = [:]
        /// When a manifest or a signature was fetched.
        var described: [BootRoute.ImageFile: Int64] = [:]
        /// Bytes that were granted to fetches that go on: the whole of each file.
        var reserved: [BootRoute.ImageFile: Int64] = [:]
        /// When a call did not reach the engine last, in milliseconds since 1970; `nil` once one has.
        var unreachable: Int64?
    }

    /// Where `NAME/VERSION/FILE` lies.
    package let directory: String
    let files: ImageShelfFiles
    let manifests: CacheDirectory
    let bytesMax: Int64
    let source: any ImageSource
    let limits: Limits
    let clock: SegmentClock
    let logger: Logger
    let state = Mutex(State())
    private let fetching: Turnstile
    /// One at a time makes room.
    let room = Mutex(())
    private let wishes: AsyncStream<ImageManifest>
    private let wish: AsyncStream<ImageManifest>.Continuation

    /// Manifests that are wanted before anybody asks for their files.
    private static let wishesMax = 64
    static let manifestBytesMax = 1 << 20
    static let manifestsMax = 256
    static let descriptionBytesMax = 1 << 20

    init(
        directory: String,
        bytesMax: Int64,
        source: any ImageSource,
        limits: Limits = Limits(),
        clock: SegmentClock = .system,
        logger: Logger
    ) throws(CacheDirectory.Failure) {
        (self.directory, files) = (directory, ImageShelfFiles(directory))
        (self.bytesMax, self.source, self.limits) = (bytesMax, source, limits)
        (self.clock, self.logger) = (clock, logger)
        fetching = Turnstile(places: limits.fetches)
        manifests = CacheDirectory("\(directory)/.manifests")
        (wishes, wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.wishesMax))
        try files.prepare(oldest: clock.now() / 1000 - limits.partialAge)
        try manifests.make()
    }

    /// Has a file fetched if it is not there, and waits for it.
    func prepare(_ image: BootRoute.ImageFile) async -> Readiness {
        if image.isDescription { return await describe(image) }
        if let identity = await onDisk({ self.files.identity(image) }) ?? nil,
            state.withLock({ $0.verified[image] == identity })
        {
            await use(image)
            return .ready
        }
        if await isOutOfReach(image) { return .later(seconds: 10) }
        guard let flight = flight(image, { await self.fetch(image) }) else { return .later(seconds: 10) }
        switch await flight.wait(limits.wait) {
        case .ready:
            await use(image)
            return .ready
        case .missing: return .missing
        case .failed: return .later(seconds: 10)
        case nil: return .later(seconds: 3)
        }
    }

    /// The one fetch of a file that goes on, or a new one; `nil` when too many go on.
    func flight(_ image: BootRoute.ImageFile, _ fetch: @escaping @Sendable () async -> Outcome) -> Flight? {
        let version = ImageShelfFiles.Version(name: image.name, version: image.version)
        let (flight, isNew) = state.withLock { state -> (Flight?, Bool) in
            if let flight = state.flights[image] { return (flight, false) }
            let isKnown = state.manifests[version] != nil
            guard state.flights.count < (isKnown ? limits.flights : limits.flights / 2) else { return (nil, false) }
            let flight = Flight()
            state.flights[image] = flight
            return (flight, true)
        }
        // It goes on whoever leaves: the next one is to find it done.
        if isNew, let flight {
            Task.detached {
                let outcome = await fetch()
                self.state.withLock { $0.flights[image] = nil }
                flight.land(outcome)
            }
        }
        return flight
    }

    /// The engine was away a moment ago, and nothing here says what the file is to be: to wait for it helps nobody.
    func isOutOfReach(_ image: BootRoute.ImageFile) async -> Bool {
        let version = ImageShelfFiles.Version(name: image.name, version: image.version)
        let (isKnown, last) = state.withLock { ($0.manifests[version] != nil, $0.unreachable) }
        guard !isKnown, let last, (0..<limits.awayPause).contains(clock.now() - last) else { return false }
        return (await onDisk { self.manifests.facts(Self.manifestName(version)) == nil }) ?? false
    }

    /// What machines boot by is there before they ask; medium files are not. Never waits.
    func want(_ manifest: ImageManifest) {
        let version = ImageShelfFiles.Version(name: manifest.name, version: manifest.version)
        let isNews = state.withLock { state in
            guard state.manifests[version] == nil else { return false }
            if state.manifests.count >= Self.manifestsMax { state.manifests = [:] }
            state.manifests[version] = manifest
            return true
        }
        if isNews { wish.yield(manifest) }
    }

    private static let bootRoles: Set<ImageManifest.File.Role> = [.kernel, .initramfs, .efi, .root]

    /// Fetches what is wanted, until it is cancelled.
    func run() async {
        for await manifest in wishes {
            await keep(manifest)
            let wanted = manifest.files.filter { Self.bootRoles.contains($0.role) }.map(\.name)
            for file in wanted + LiveImageSource.descriptionNames.sorted() {
                guard !Task.isCancelled else { return }
                _ = await prepare(.init(name: manifest.name, version: manifest.version, file: file))
            }
        }
    }

    // MARK: Fetching

    private func fetch(_ image: BootRoute.ImageFile) async -> Outcome {
        await fetching.enter()
        let outcome = await fetchInTurn(image)
        await fetching.leave()
        return outcome
    }

    private func fetchInTurn(_ image: BootRoute.ImageFile) async -> Outcome {
        do {
            guard let file = try await manifest(of: image)?.files.first(where: { $0.name == image.file }) else {
                return .missing
            }
            if await isWhole(image, file) { return .ready }
            return try await bring(image, file)
        } catch let failure as RemoteBootDirectory.Failure {
            if case .refused(404, _) = failure { return .missing }
            logger.warning("\(image.file) of \(image.name) \(image.version) could not be fetched: \(failure)")
            return .failed
        } catch {
            logger.error("\(image.file) of \(image.name) \(image.version) \(error)")
            return .failed
        }
    }

    /// A file that was fetched before, perhaps by the process before this one: what changed since is found out.
    private func isWhole(_ image: BootRoute.ImageFile, _ file: ImageManifest.File) async -> Bool {
        let found = await onDisk { () -> (ImageShelfFiles.Identity, Bool)? in
            guard let identity = self.files.identity(image), let (digest, size) = self.files.digest(image) else {
                return nil
            }
            let isGood = digest == file.sha256 && size == file.size
            if !isGood { self.files.remove(image) }
            return (identity, isGood)
        }
        guard let (identity, isGood) = found ?? nil else { return false }
        if isGood {
            state.withLock { $0.verified[image] = identity }
        } else {
            logger.warning(
                "\(image.file) of \(image.name) \(image.version) was damaged here and is fetched anew: check the disk"
            )
        }
        return isGood
    }

    /// Goes on where an earlier try ended.
    private func bring(_ image: BootRoute.ImageFile, _ file: ImageManifest.File) async throws -> Outcome {
        guard await makeRoom(for: file, of: image) else { return .failed }
        defer { state.withLock { $0.reserved[image] = nil } }
        for _ in 0..<2 {
            try await receive(image, file)
            let identity = try await onDiskThrowing { () throws -> ImageShelfFiles.Identity? in
                try self.files.publish(image, file) ? self.files.identity(image) : nil
            }
            if let identity {
                state.withLock { $0.verified[image] = identity }
                logger.info("\(image.file) of \(image.name) \(image.version) was fetched, \(file.size) bytes")
                return .ready
            }
            logger.warning("\(image.file) of \(image.name) \(image.version) arrived damaged, and is fetched once more")
        }
        return .failed
    }

    private func receive(_ image: BootRoute.ImageFile, _ file: ImageManifest.File) async throws {
        var offset = await onDisk { self.files.received(image) } ?? 0
        if offset > file.size {
            await onDisk { self.files.dropPartial(image) }
            offset = 0
        }
        if offset > 0 { logger.info("\(image.file) of \(image.name) is gone on with at byte \(offset)") }
        if file.size == 0 { try await append([], at: 0, to: image) }
        var tries = 0
        while offset < file.size {
            do {
                let piece = try await source.piece(
                    image.name,
                    image.version,
                    image.file,
                    from: offset,
                    upTo: file.size
                )
                let bytes = Array(piece.readableBytesView.prefix(Int(file.size - offset)))
                guard !bytes.isEmpty else {
                    throw RemoteBootDirectory.Failure.malformed(call: "image", reason: "no bytes")
                }
                try await append(bytes, at: offset, to: image)
                (offset, tries) = (offset + Int64(bytes.count), 0)
            } catch let failure as RemoteBootDirectory.Failure {
                tries += 1
                guard failure.mayPass, tries < limits.tries else { throw failure }
                try await Task.sleep(for: limits.pause)
            }
        }
    }

    private func append(_ bytes: [UInt8], at offset: Int64, to image: BootRoute.ImageFile) async throws {
        do {
            try await onDiskThrowing { try self.files.append(bytes, at: offset, to: image) }
        } catch let failure as CacheDirectory.Failure {
            // On a full disk half a file helps nobody, and its place may.
            if failure.isDiskFull { await onDisk { self.files.dropPartial(image) } }
            throw failure
        }
    }

    func onDisk<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        try? await NIOThreadPool.singleton.runIfActive { body() }
    }

    @discardableResult
    func onDisk(_ body: @escaping @Sendable () -> Void) async -> Void? {
        try? await NIOThreadPool.singleton.runIfActive { body() }
    }

    func onDiskThrowing<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive { try body() }
    }
}

extension RemoteBootDirectory.Failure {
    /// Whether another try may bring it.
    fileprivate var mayPass: Bool {
        switch self {
        case .unreachable, .tooManyCalls, .malformed: true
        case .refused(let status, _): status == 503 || status == 429 || status == 500
        }
    }
}
