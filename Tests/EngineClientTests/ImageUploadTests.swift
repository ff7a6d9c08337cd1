import HostModel
import NIOCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

@testable import EngineClient

/// A clock whose sleeps are over at once, and counted.
private final class CountingClock: Clock {
    let sleeps = Mutex<[Duration]>([])
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        let left = ContinuousClock.now.duration(to: deadline)
        sleeps.withLock { $0.append(left) }
    }
}

/// What an engine keeps of one file, with troubles on order.
private final class UploadEngine: Sendable {
    struct State {
        var bytes: [UInt8] = []
        var pieces: [Int] = []
        var isPublished = false
        /// Numbers of PUTs of the file, from 1, that come to grief.
        var lost: Set<Int> = []
        var hungUpAfterStoring: Set<Int> = []
        var puts = 0
    }

    let state = Mutex(State())

    func answer(_ request: TestServer.Request) -> TestServer.Reply {
        state.withLock { state in
            switch (request.head.method, request.head.uri.split(separator: "/").last) {
            case (.PUT, "v1"): return .ok("{}", status: "201 Created")
            case (.HEAD, "kernel"):
                return .init(bytes: "HTTP/1.1 200 OK\r\nContent-Length: \(state.bytes.count)\r\n\r\n")
            case (.PUT, "kernel"): return Self.store(request, &state)
            case (.POST, "publish"):
                state.isPublished = true
                return .ok("{}")
            default: return .ok("", status: "404 Not Found")
            }
        }
    }

    private static func store(_ request: TestServer.Request, _ state: inout State) -> TestServer.Reply {
        state.puts += 1
        if state.lost.contains(state.puts) { return .hangUp }
        let bytes = Array(request.body.readableBytesView)
        let range = request.head.headers.first(name: "Content-Range") ?? ""
        let wanted = "bytes \(state.bytes.count)-\(state.bytes.count + bytes.count - 1)/\(ImageUploadTests.size)"
        guard range == wanted else {
            return .ok(#"{"fault":{"reason":"Operation Failed","detail":"wrong offset"}}"#, status: "409 Conflict")
        }
        state.bytes += bytes
        state.pieces.append(bytes.count)
        if state.hungUpAfterStoring.contains(state.puts) { return .hangUp }
        return .init(bytes: "HTTP/1.1 204 No Content\r\n\r\n")
    }
}

@Suite struct ImageUploadTests {
    static let size = 5 << 19  // Two and a half pieces.
    private static let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private func upload(
        _ engine: UploadEngine,
        clock: CountingClock = CountingClock(),
        content: [UInt8] = content,
        report: @escaping @Sendable (ImageUpload.Progress) -> Void = { _ in }
    ) async throws {
        let file = ImageManifest.File(name: "kernel", role: .kernel, size: Int64(Self.size), sha256: .random())
        let manifest = ImageManifest(
            name: "node",
            version: "v1",
            architecture: "x86_64",
            kernelVersion: "6.1",
            kernelArguments: [],
            files: [file]
        )
        try await TestServer.with(respond: engine.answer) { server in
            let transport = try HTTPTransport(.http(host: "127.0.0.1", port: server.port), trust: .any)
            let session = EngineSession(transport: transport, token: "t")
            let read: ImageUpload.Source = { _, offset, count in
                ByteBuffer(bytes: content.dropFirst(Int(offset)).prefix(count))
            }
            try await ImageUpload(manifest, to: session, clock: clock, reading: read, report: report).run()
        }
    }

    @Test func sendsPiecesAndPublishes() async throws {
        let engine = UploadEngine()
        let told = Mutex<[Int64]>([])
        try await upload(engine, report: { progress in told.withLock { $0.append(progress.sentBytes) } })
        let state = engine.state.withLock { $0 }
        #expect(state.bytes == Self.content)
        #expect(state.pieces == [1 << 20, 1 << 20, 1 << 19])
        #expect(state.isPublished)
        #expect(told.withLock { $0 } == [0, 1 << 20, 2 << 20, 5 << 19])
    }

    @Test func goesOnWhereAnEarlierUploadEnded() async throws {
        let engine = UploadEngine()
        engine.state.withLock { $0.bytes = Array(Self.content.prefix(1_000_001)) }
        try await upload(engine)
        #expect(engine.state.withLock { $0.bytes } == Self.content)
        #expect(engine.state.withLock { $0.pieces.first } == 1 << 20)
    }

    @Test(
        "survives lost pieces, and pieces that arrived without an answer",
        arguments: [
            (Set([2, 3]), Set<Int>()), (Set<Int>(), Set([1, 3])), (Set([1]), Set([3])),
        ]
    )
    func resumes(lost: Set<Int>, unanswered: Set<Int>) async throws {
        let engine = UploadEngine()
        engine.state.withLock { ($0.lost, $0.hungUpAfterStoring) = (lost, unanswered) }
        try await upload(engine)
        #expect(engine.state.withLock { $0.bytes } == Self.content)
        #expect(engine.state.withLock { $0.isPublished })
    }

    @Test func givesUpAfterAttemptsMax() async throws {
        let engine = UploadEngine()
        engine.state.withLock { $0.lost = Set(1...1000) }
        let clock = CountingClock()
        await #expect(throws: CallError.self) { try await upload(engine, clock: clock) }
        #expect(clock.sleeps.withLock { $0.count } == ImageUpload.attemptsMax - 1)
        #expect(!engine.state.withLock { $0.isPublished })
    }

    @Test func aFileShorterThanItsManifestIsNotPublished() async throws {
        let engine = UploadEngine()
        await #expect(throws: CallError.self) { try await upload(engine, content: Array(Self.content.dropLast())) }
        #expect(!engine.state.withLock { $0.isPublished })
    }
}
