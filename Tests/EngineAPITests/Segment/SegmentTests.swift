import BootServer
import Crypto
import EngineClient
import Foundation
import HostModel
import Logging
import NIOCore
import NIOHTTP1
import SwiftASN1
import Synchronization
import Testing
import X509

@testable import Engine
@testable import EngineAPI

/// A boot server on another segment and the engine, over mutual TLS on the engine's own listener.
@Suite struct SegmentTests {
    /// What was logged; a wait for a line that is not there yet.
    private final class Log: LogHandler, Sendable {
        private let lines = Mutex<[String]>([])
        let (stream, feed) = AsyncStream.makeStream(of: String.self)
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .debug }
            set {}
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            let text = "\(event.message)"
            lines.withLock { $0.append(text) }
            feed.yield(text)
        }

        var all: [String] { lines.withLock(\.self) }
    }

    private final class Place: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "muster-segment-\(UniqueID.random())").path
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let admin = "admin@internal"

    /// Enrols at the engine that listens on `port`, and has a person approve the code in its log.
    private static func enrol(
        _ place: Place,
        _ engine: HostEngine,
        port: Int,
        name: String = "rack-7",
        fingerprint: Fingerprint? = nil
    ) async throws -> SegmentMembership {
        let log = Log()
        let wish = SegmentEnrolment.Wish(
            endpoint: .https(host: "127.0.0.1", port: port),
            fingerprint: fingerprint,
            name: HostName(name)
        )
        let enrolment = try SegmentEnrolment(
            wish,
            stateDirectory: place.path,
            second: .milliseconds(5),
            logger: Logger(label: "test") { _ in log }
        )
        return try await withThrowingTaskGroup(of: SegmentMembership?.self) { group in
            group.addTask { try await enrolment.enrol() }
            group.addTask {
                for await line in log.stream {
                    guard let start = line.range(of: "--code ")?.upperBound else { continue }
                    let code = String(line[start...])
                    try await engine.approveBootServer(name, code: code, by: admin, correlation: nil)
                    break
                }
                return nil
            }
            for try await membership in group {
                if let membership { return membership }
            }
            throw CancellationError()
        }
    }

    private static func directory(
        _ place: Place,
        _ membership: SegmentMembership,
        port: Int,
        logger: Logger = quiet
    ) throws -> SegmentBootDirectory {
        let remote = try RemoteBootDirectory(.https(host: "127.0.0.1", port: port), membership: membership)
        return try SegmentBootDirectory(remote, membership: membership, stateDirectory: place.path, logger: logger)
    }

    @Test("it enrols, asks, reports; removed it is refused at once, and serves nothing of what it kept")
    func wholeLife() async throws {
        try await APIInstallation.run { client in
            let host = try await client.enrol(hardwareID: "known-1")
            try await ListeningEngine.run(client.engine) { port in
                let place = Place()
                let membership = try await Self.enrol(place, client.engine, port: port)
                let key = "\(place.path)/engine/key.pem"
                let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let directory = try Self.directory(place, membership, port: port)
                let running = Task { try await directory.run() }
                let mac = try #require(MACAddress("52:54:00:00:00:01"))
                let known = BootRequest(mac: mac, hardwareID: HardwareID("known-1"), firmware: .uefi)
                #expect(try await directory.answer(known).host?.rawValue == "known-1", "\(host)")
                let network = try #require(IPv4Network("10.78.0.1/24"))
                try await directory.report(
                    status: BootStatus(interface: "eth1", address: network, dhcp: "full", http_port: 80)
                )
                #expect(client.engine.bootServices().map(\.server?.rawValue) == ["rack-7"])
                try await directory.record([BootEvent(mac: mac, stage: .script, detail: "got a script")])
                var index: Int64 = 0
                var texts: [String] = []
                while !texts.contains(where: { $0.contains("got a script (boot server rack-7)") }) {
                    let events = try await client.engine.events(EventQuery(after: index, newestFirst: false))
                    texts += events.map(\.text)
                    index = events.last?.index ?? index
                    await client.engine.waitForEvent(after: index, seconds: 5)
                }
                try await client.engine.removeBootServer("rack-7", by: Self.admin, correlation: nil)
                await #expect(throws: SegmentBootDirectory.Removed.self) { try await directory.answer(known) }
                await #expect(throws: SegmentBootDirectory.Removed.self) { try await directory.answer(known) }
                await #expect(throws: SegmentBootDirectory.Removed.self) { try await running.value }
                let answers = try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/cache/answers")
                #expect(answers.isEmpty)
                #expect(!FileManager.default.fileExists(atPath: key), "started again it asks to be enrolled anew")
            }
        }
    }

    @Test("while the engine is away known machines are answered as before, and others are not")
    func away() async throws {
        try await APIInstallation.run { client in
            _ = try await client.enrol(hardwareID: "known-1")
            let place = Place()
            let log = Log()
            let mac = try #require(MACAddress("52:54:00:00:00:01"))
            let known = BootRequest(mac: mac, hardwareID: HardwareID("known-1"), firmware: .uefi)
            let unknown = BootRequest(mac: mac, hardwareID: HardwareID("unknown"), firmware: .uefi)
            let made = Mutex<SegmentBootDirectory?>(nil)
            try await ListeningEngine.run(client.engine) { port in
                let membership = try await Self.enrol(place, client.engine, port: port)
                let logger = Logger(label: "test") { _ in log }
                let directory = try Self.directory(place, membership, port: port, logger: logger)
                #expect(try await directory.answer(known).host != nil)
                #expect(try await directory.answer(unknown).host == nil)
                made.withLock { $0 = directory }
            }
            let kept = made.withLock { $0 }
            let directory = try #require(kept)
            let answer = try await directory.answer(known)
            #expect(answer.host?.rawValue == "known-1" && answer.reason.contains("it has been away since"))
            await #expect(throws: (any Error).self) { try await directory.answer(unknown) }
            await #expect(throws: (any Error).self, "a token is the engine's alone") {
                try await directory.issueArrival(known)
            }
            #expect(log.all.count { $0.hasPrefix("the engine is away") } == 1, "\(log.all)")
        }
    }

    @Test("another engine's CA is not taken, and its claim is not opened")
    func otherAuthority() async throws {
        try await APIInstallation.run { client in
            try await ListeningEngine.run(client.engine) { port in
                let place = Place()
                let log = Log()
                let wish = SegmentEnrolment.Wish(
                    endpoint: .https(host: "127.0.0.1", port: port),
                    fingerprint: Fingerprint(String(repeating: "0", count: 64)),
                    name: nil
                )
                let enrolment = try SegmentEnrolment(
                    wish,
                    stateDirectory: place.path,
                    logger: Logger(label: "test") { _ in log }
                )
                let asking = Task { try await enrolment.enrol() }
                for await line in log.stream where line.contains("not the one of --ca-fingerprint") { break }
                asking.cancel()
                _ = try? await asking.value
                #expect(try await client.engine.bootServers().isEmpty)
            }
        }
    }

    private struct Leaf {
        var identity: ClientIdentity?

        init(_ authority: CertificateAuthority, _ role: LeafRole) throws {
            let key = P256.Signing.PrivateKey()
            let leaf = try authority.issue(role: role, address: "127.0.0.1", key: key.publicKey, now: .now)
            identity = ClientIdentity(certificates: try leaf.serializeAsPEM().pemString, key: key.pemRepresentation)
        }

        init(_ identity: ClientIdentity?) { self.identity = identity }

        /// The status; `nil` when the handshake failed.
        func status(_ call: HTTPCall, _ port: Int) async throws -> Int? {
            let endpoint = Endpoint.https(host: "127.0.0.1", port: port)
            let transport = try HTTPTransport(endpoint, trust: .any, identity: identity)
            defer { transport.close() }
            return try? await transport.send(call).status
        }
    }

    @Test("only a boot server's leaf may ask what machines boot, and it may ask nothing else")
    func roles() async throws {
        try await APIInstallation.run { client in
            let engine = client.engine
            try await ListeningEngine.run(engine) { port in
                let membership = try await Self.enrol(Place(), engine, port: port)
                let stranger = try CertificateAuthority.make(organization: "X", engineAddress: "x", now: .now)
                let id = membership.id
                let reservations = HTTPCall.get("/boot/reservations")
                let cases: [(String, Leaf, Int?)] = [
                    ("no leaf", Leaf(nil as ClientIdentity?), 401),
                    ("a host's", try Leaf(engine.authority, .host(id)), 403),
                    ("the engine's own", try Leaf(engine.authority, .engine), 403),
                    ("another key for the same id", try Leaf(engine.authority, .boot(id)), 403),
                    ("another id", try Leaf(engine.authority, .boot(.random())), 403),
                    ("of another CA", try Leaf(stranger, .boot(id)), nil),
                    ("its own", Leaf(membership.identity), 200),
                ]
                for (name, leaf, status) in cases {
                    #expect(try await leaf.status(reservations, port) == status, "\(name)")
                    let image = HTTPCall.get("/boot/images/node/v1/vmlinuz", headers: ["Range": "bytes=0-"])
                    #expect(try await leaf.status(image, port) == (status == 200 ? 404 : status), "\(name)")
                }
                // A signed-in user's token does not help who shows a boot server's leaf.
                let own = Leaf(membership.identity)
                let token = try #require(client.token)
                for path in [
                    "/ovirt-engine/api", "/ovirt-engine/api/hosts", "/ovirt-engine/services/pki-resource", "/",
                    "/boot", "/ovirt-engine/services/health", "/metrics",
                ] {
                    let call = HTTPCall.get(path, headers: ["Authorization": "Bearer \(token)"])
                    #expect(try await own.status(call, port) == 403, "\(path)")
                    let host = try Leaf(engine.authority, .host(id))
                    #expect(try await host.status(call, port) != 403, "\(path)")
                }
                #expect(try await own.status(.post("/boot/answer", ByteBuffer(string: "{")), port) == 400)
            }
        }
    }

    @Test func imagesComeInPieces() async throws {
        try await APIInstallation.run { client in
            let content = Array(repeating: UInt8(7), count: ImagePiece.bytesMax + 1000)
            let digest = try #require(Nonce(bytes: Array(SHA256.hash(data: content))))
            let manifest = ImageManifest(
                name: "node",
                version: "v1",
                architecture: "x86_64",
                kernelVersion: "6.1",
                kernelArguments: [],
                files: ["vmlinuz", "initramfs"].map {
                    .init(
                        name: $0,
                        role: $0 == "vmlinuz" ? .kernel : .initramfs,
                        size: Int64(content.count),
                        sha256: digest
                    )
                }
            )
            _ = try await client.engine.openUpload(manifest)
            for file in ["vmlinuz", "initramfs"] {
                try await client.engine.append(
                    image: "node",
                    version: "v1",
                    file: file,
                    offset: 0,
                    total: Int64(content.count),
                    bytes: ByteBuffer(bytes: content)
                )
            }
            try await ListeningEngine.run(client.engine) { port in
                let membership = try await Self.enrol(Place(), client.engine, port: port)
                let own = Leaf(membership.identity)
                let path = "/boot/images/node/v1"
                #expect(try await own.status(.get(path), port) == 404, "it is not published yet")
                _ = try await client.engine.publish(image: "node", version: "v1", by: Self.admin)
                #expect(try await own.status(.get(path), port) == 200)
                let transport = try HTTPTransport(
                    .https(host: "127.0.0.1", port: port),
                    trust: .any,
                    identity: membership.identity
                )
                defer { transport.close() }
                for (range, answer, count) in [
                    ("bytes=0-", "bytes 0-4194303/4195304", ImagePiece.bytesMax),
                    ("bytes=4194304-", "bytes 4194304-4195303/4195304", 1000),
                    ("bytes=10-19", "bytes 10-19/4195304", 10),
                ] {
                    let got = try await transport.send(.get("\(path)/initramfs", headers: ["Range": range]))
                    #expect(got.status == 206 && got.body.readableBytes == count, "\(range)")
                    #expect(got.headers.first(name: "Content-Range") == answer)
                }
                for (range, status) in [
                    ("bytes=9999999-", 416), ("bytes=5-4", 400), ("lines=1-2", 400), ("bytes=-5", 400),
                ] {
                    let got = try await transport.send(.get("\(path)/initramfs", headers: ["Range": range]))
                    #expect(got.status == status, "\(range)")
                }
                let others = ["manifest.json": 206, "other": 404, "..%2f..%2f..%2fengine.db": 404]
                for (file, status) in others {
                    let got = try await transport.send(.get("\(path)/\(file)", headers: ["Range": "bytes=0-"]))
                    #expect(got.status == status, "\(file)")
                }
            }
        }
    }
}
