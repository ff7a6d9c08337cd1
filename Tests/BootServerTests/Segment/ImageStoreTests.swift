import Crypto
import EngineClient
import Foundation
import HostModel
import NIOCore
import Synchronization
import Testing

@testable import BootServer

/// Images on their way from the engine to a rack: once, whole, verified.
@Suite struct ImageStoreTests {
    /// The engine's images, and what was asked of it.
    private final class Engine: ImageSource {
        struct State {
            var manifests: [ImageManifest] = []
            var files: [String: [UInt8]] = [:]
            /// Offsets that were asked for.
            var asked: [Int64] = []
            /// Pieces that come before the engine goes away.
            var pieces = Int.max
            var isAway = false
            var manifestsAsked = 0
            /// Pieces that wait for `release` from now on, and those that do.
            var holds = 0
            var held: [CheckedContinuation<Void, Never>] = []
        }

        let state = Mutex(State())
        /// One for each piece that is held.
        private let holding = AsyncStream<Void>.makeStream()
        static let pieceBytes = 1000

        func manifest(_ image: String, _ version: String) async throws -> ImageManifest {
            let found = try state.withLock { state in
                state.manifestsAsked += 1
                if state.isAway { throw RemoteBootDirectory.Failure.unreachable(.refused(.unix(path: "/engine"))) }
                return state.manifests.first { $0.name == image && $0.version == version }
            }
            guard let found else { throw RemoteBootDirectory.Failure.refused(status: 404, detail: "none") }
            return found
        }

        func piece(
            _ image: String,
            _ version: String,
            _ file: String,
            from offset: Int64,
            upTo end: Int64?
        ) async throws(RemoteBootDirectory.Failure) -> ByteBuffer {
            // Others ask meanwhile.
            await Task.yield()
            await holdBack()
            let bytes: [UInt8]? = state.withLock { state in
                state.asked.append(offset)
                state.pieces -= 1
                if state.isAway || state.pieces < 0 { return nil }
                let all = state.files[file] ?? []
                return Array(all.dropFirst(Int(offset)).prefix(Self.pieceBytes))
            }
            guard let bytes else { throw .unreachable(.refused(.unix(path: "/engine"))) }
            return ByteBuffer(bytes: bytes)
        }

        private func holdBack() async {
            await withCheckedContinuation { waiter in
                let isHeld = state.withLock { state in
                    guard state.holds > 0 else { return false }
                    state.holds -= 1
                    state.held.append(waiter)
                    return true
                }
                if isHeld { holding.continuation.yield() } else { waiter.resume() }
            }
        }

        /// Comes back when so many pieces are held.
        func isHolding(_ count: Int) async {
            var pieces = holding.stream.makeAsyncIterator()
            for _ in 0..<count { _ = await pieces.next() }
        }

        func release() {
            let held = state.withLock { state in
                defer { (state.holds, state.held) = (0, []) }
                return state.held
            }
            for waiter in held { waiter.resume() }
        }

        /// An image with one initramfs of this content.
        @discardableResult
        func add(_ version: String, _ content: [UInt8]) throws -> BootRoute.ImageFile {
            let file = "initramfs-\(version)"
            let manifest = ImageManifest(
                name: "node",
                version: version,
                architecture: "x86_64",
                kernelVersion: "6.1",
                kernelArguments: [],
                files: [
                    .init(
                        name: file,
                        role: .initramfs,
                        size: Int64(content.count),
                        sha256: try #require(Nonce(bytes: Array(SHA256.hash(data: content))))
                    )
                ]
            )
            state.withLock { state in
                state.manifests.append(manifest)
                state.files[file] = content
            }
            return .init(name: "node", version: version, file: file)
        }
    }

    private static let content = (0..<10_500).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    private let engine = Engine()

    private func store(
        _ directory: TemporaryDirectory,
        bytesMax: Int64 = 1 << 20,
        flights: Int = 64,
        clock: SegmentClock = .system
    ) throws -> ImageStore {
        var limits = ImageStore.Limits()
        limits.flights = flights
        (limits.pause, limits.tries, limits.wait) = (.milliseconds(1), 2, .seconds(600))
        return try ImageStore(
            directory: "\(directory.path)/images",
            bytesMax: bytesMax,
            source: engine,
            limits: limits,
            clock: clock,
            logger: AnswerCacheTests.quiet
        )
    }

    private func bytes(_ image: BootRoute.ImageFile, _ directory: TemporaryDirectory) throws -> [UInt8] {
        try directory.read("images/\(image.name)/\(image.version)/\(image.file)")
    }

    private func isThere(_ image: BootRoute.ImageFile, _ directory: TemporaryDirectory) -> Bool {
        access("\(directory.path)/images/\(image.name)/\(image.version)/\(image.file)", F_OK) == 0
    }

    @Test("a hundred machines ask at once, and it is fetched once")
    func single() async throws {
        let directory = try TemporaryDirectory()
        let (store, image) = (try store(directory), try engine.add("v1", Self.content))
        try await withThrowingTaskGroup(of: ImageStore.Readiness.self) { group in
            for _ in 0..<100 { group.addTask { await store.prepare(image) } }
            for try await readiness in group { #expect(readiness == .ready) }
        }
        #expect(engine.state.withLock(\.asked) == (0...10).map { Int64($0) * 1000 })
        #expect(try bytes(image, directory) == Self.content)
        #expect(await store.prepare(image) == .ready)
        #expect(engine.state.withLock { $0.asked.count } == 11, "and not again")
    }

    @Test("what was cut off goes on where it ended, also in another process; nobody sees it before")
    func resumes() async throws {
        let directory = try TemporaryDirectory()
        let image = try engine.add("v1", Self.content)
        engine.state.withLock { $0.pieces = 4 }
        #expect(await (try store(directory)).prepare(image) == .later(seconds: 10))
        #expect(!isThere(image, directory))
        engine.state.withLock { ($0.pieces, $0.asked) = (.max, []) }
        #expect(await (try store(directory)).prepare(image) == .ready)
        #expect(engine.state.withLock { $0.asked.first } == 4000)
        #expect(try bytes(image, directory) == Self.content)
    }

    @Test("what lies there damaged is fetched anew, wherever the byte is; so is what arrived damaged before")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        let image = try engine.add("v1", Array(Self.content.prefix(1500)))
        #expect(await (try store(directory)).prepare(image) == .ready)
        let whole = try bytes(image, directory)
        for index in stride(from: 0, to: whole.count, by: 97) {
            var flipped = whole
            flipped[index] ^= 1
            try directory.write("images/node/v1/\(image.file)", flipped)
            #expect(await (try store(directory)).prepare(image) == .ready)
            #expect(try bytes(image, directory) == whole, "\(index)")
        }
        try directory.write("images/node/v1/\(image.file)", Array(whole.dropLast()))
        #expect(await (try store(directory)).prepare(image) == .ready)
        #expect(try bytes(image, directory) == whole)
        // A part of an earlier try is not what the file begins with.
        try FileManager.default.removeItem(atPath: "\(directory.path)/images/node/v1/\(image.file)")
        try directory.write("images/.partial/node@v1@\(image.file)", Array(repeating: 9, count: 700))
        #expect(await (try store(directory)).prepare(image) == .ready)
        #expect(try bytes(image, directory) == whole)
    }

    @Test func whatTheEngineSendsWrongIsServedToNobody() async throws {
        let directory = try TemporaryDirectory()
        let image = try engine.add("v1", Self.content)
        engine.state.withLock { $0.files[image.file]?[5000] ^= 1 }
        #expect(await (try store(directory)).prepare(image) == .later(seconds: 10))
        #expect(!isThere(image, directory))
        #expect(await (try store(directory)).prepare(.init(name: "node", version: "v1", file: "other")) == .missing)
        #expect(await (try store(directory)).prepare(.init(name: "node", version: "v2", file: "other")) == .missing)
    }

    @Test func whatIsThereIsServedWhileTheEngineIsAway() async throws {
        let directory = try TemporaryDirectory()
        let (image, other) = (try engine.add("v1", Self.content), try engine.add("v2", Self.content))
        let signature = BootRoute.ImageFile(name: "node", version: "v1", file: LiveImageSource.signatureName)
        engine.state.withLock { $0.files[LiveImageSource.signatureName] = [0x30] }
        let first = try store(directory)
        #expect(await first.prepare(image) == .ready)
        #expect(await first.prepare(signature) == .ready)
        engine.state.withLock { $0.isAway = true }
        let second = try store(directory)
        #expect(await second.prepare(image) == .ready, "verified by the manifest that was kept")
        #expect(await second.prepare(signature) == .ready)
        #expect(await second.prepare(other) == .later(seconds: 10))
    }

    @Test(
        "the version that was not used for longest gives way; one that is used now, or has no other to give way, does not"
    )
    func room() async throws {
        let directory = try TemporaryDirectory()
        let images = try ["v1", "v2", "v3", "v4"].map { try engine.add($0, Self.content) }
        let seconds = Mutex<Int64>(Int64(Date.now.timeIntervalSince1970))
        let clock = SegmentClock { seconds.withLock { $0 * 1000 } }
        let store = try store(directory, bytesMax: 25_000, clock: clock)
        for (image, used) in zip(images.prefix(2), [100, 200] as [time_t]) {
            #expect(await store.prepare(image) == .ready)
            var times = [timeval(tv_sec: used, tv_usec: 0), timeval(tv_sec: used, tv_usec: 0)]
            utimes("\(directory.path)/images/node/\(image.version)", &times)
        }
        #expect(await store.prepare(images[2]) == .later(seconds: 10), "both are used now")
        #expect(try bytes(images[0], directory) == Self.content)
        seconds.withLock { $0 += 3600 }
        #expect(await store.prepare(images[2]) == .ready)
        #expect(!isThere(images[0], directory))
        #expect(try bytes(images[1], directory) == Self.content)
        let large = try engine.add("v5", Self.content + Self.content + Self.content)
        #expect(await store.prepare(large) == .later(seconds: 10))
        #expect(try bytes(images[2], directory) == Self.content, "which is used")
    }

    @Test("room that one fetch was granted is not granted to another, until the first one has ended")
    func reservation() async throws {
        let directory = try TemporaryDirectory()
        let images = try ["v1", "v2"].map { try engine.add($0, Self.content) }
        let seconds = Mutex<Int64>(Int64(Date.now.timeIntervalSince1970))
        let clock = SegmentClock { seconds.withLock { $0 * 1000 } }
        let store = try store(directory, bytesMax: 15_000, clock: clock)
        engine.state.withLock { $0.holds = 1 }
        async let first = store.prepare(images[0])
        await engine.isHolding(1)
        #expect(await store.prepare(images[1]) == .later(seconds: 10))
        engine.release()
        let whole = await first
        #expect(whole == .ready)
        #expect(try bytes(images[0], directory) == Self.content)
        seconds.withLock { $0 += 3600 }
        #expect(await store.prepare(images[1]) == .ready)
        #expect(!isThere(images[0], directory))
    }

    @Test("a part that nobody fetches any more gives way before any version; an old one goes at the start")
    func abandonedParts() async throws {
        let directory = try TemporaryDirectory()
        let images = try ["v1", "v2"].map { try engine.add($0, Array(Self.content.prefix(2000))) }
        #expect(await (try store(directory)).prepare(images[0]) == .ready)
        let (young, old) = (".partial/node@v8@initramfs", ".partial/node@v9@initramfs")
        for part in [young, old] { try directory.write("images/\(part)", Array(repeating: 1, count: 4000)) }
        var times = [timeval(tv_sec: 100, tv_usec: 0), timeval(tv_sec: 100, tv_usec: 0)]
        utimes("\(directory.path)/images/\(old)", &times)
        let small = try store(directory, bytesMax: 7000)
        #expect(access("\(directory.path)/images/\(young)", F_OK) == 0)
        #expect(access("\(directory.path)/images/\(old)", F_OK) != 0)
        #expect(await small.prepare(images[1]) == .ready)
        #expect(access("\(directory.path)/images/\(young)", F_OK) != 0)
        #expect(isThere(images[0], directory), "a version that had not to leave")
    }

    @Test("who asks for more files at once than may be on their way comes again; known images have the other half")
    func flights() async throws {
        let directory = try TemporaryDirectory()
        let images = try ["v1", "v2", "v3"].map { try engine.add($0, Self.content) }
        let store = try store(directory, flights: 4)
        engine.state.withLock { $0.holds = 2 }
        async let first = store.prepare(images[0])
        async let second = store.prepare(images[1])
        await engine.isHolding(2)
        #expect(await store.prepare(images[2]) == .later(seconds: 10))
        let signature = BootRoute.ImageFile(name: "node", version: "v3", file: LiveImageSource.signatureName)
        #expect(await store.prepare(signature) == .later(seconds: 10))
        let known = engine.state.withLock { $0.manifests.last }
        store.want(try #require(known))
        #expect(await store.prepare(images[2]) == .ready)
        engine.release()
        let whole = await [first, second]
        #expect(whole == [.ready, .ready])
    }

    @Test("a hundred machines ask for a signature at once, and it is fetched once")
    func singleDescription() async throws {
        let directory = try TemporaryDirectory()
        let store = try store(directory)
        engine.state.withLock { $0.files[LiveImageSource.signatureName] = [0x30] }
        let signature = BootRoute.ImageFile(name: "node", version: "v1", file: LiveImageSource.signatureName)
        await withTaskGroup(of: ImageStore.Readiness.self) { group in
            for _ in 0..<100 { group.addTask { await store.prepare(signature) } }
            for await readiness in group { #expect(readiness == .ready) }
        }
        #expect(engine.state.withLock { $0.asked.count } == 1)
    }

    @Test("an engine that was away a moment ago is not asked about images that nobody here knows")
    func awayForUnknown() async throws {
        let directory = try TemporaryDirectory()
        let images = try ["v1", "v2"].map { try engine.add($0, Self.content) }
        let seconds = Mutex<Int64>(Int64(Date.now.timeIntervalSince1970))
        let store = try store(directory, clock: SegmentClock { seconds.withLock { $0 * 1000 } })
        engine.state.withLock { $0.isAway = true }
        for image in images { #expect(await store.prepare(image) == .later(seconds: 10)) }
        #expect(engine.state.withLock(\.manifestsAsked) == 1)
        engine.state.withLock { $0.isAway = false }
        seconds.withLock { $0 += 5 }
        for image in images { #expect(await store.prepare(image) == .ready) }
    }
}
