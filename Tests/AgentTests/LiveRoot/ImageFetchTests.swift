import Crypto
import HostModel
import NIOCore
import NIOHTTP1
import Synchronization
import SystemPackage
import TestServers
import Testing

@testable import Agent

/// Downloads from a real server that drops connections, lies, or sends machines elsewhere.
@Suite("case 43: a root image over HTTP", .timeLimit(.minutes(2))) struct ImageFetchTests {
    private static let content = String(decoding: (0..<300_000).map(letter), as: UTF8.self)

    private static func letter(_ index: Int) -> UInt8 { UInt8(97 + (index * 7 + index / 997) % 26) }

    private struct Rig {
        var fetch: ImageFetch
        var root: ImageManifest.File
        var folder: TemporaryDirectory

        init(_ server: TestServer, content: String = ImageFetchTests.content) throws {
            let place = try LiveImageFolder(parsing: "http://127.0.0.1:\(server.port)/images/node/v1")
            fetch = ImageFetch(folder: place, query: "mac=52-54-00-12-34-56&platform=efi") { _ in }
            let digest = try #require(Nonce(bytes: Array(SHA256.hash(data: Array(content.utf8)))))
            root = ImageManifest.File(
                name: "root.squashfs",
                role: .root,
                size: Int64(content.utf8.count),
                sha256: digest
            )
            folder = TemporaryDirectory()
        }

        /// What is in the file in the end.
        func download() async throws -> [UInt8] {
            let path = folder.directory.file("root")
            let file = try SystemPackage.FileDescriptor.open(
                path,
                .readWrite,
                options: [.create],
                permissions: [.ownerReadWrite]
            )
            defer { try? file.close() }
            var limits = ResumingDownload.Limits()
            (limits.firstPause, limits.longestPause, limits.retryAfterMax) = (0, 0, 0)
            var download = ResumingDownload(expectedSize: root.size, sizeMax: 1 << 30, limits: limits)
            var sink = FileSink(file)
            try await fetch.root(root, &download, into: &sink)
            return try folder.directory.read("root") ?? []
        }
    }

    private static func range(_ request: TestServer.Request) -> Int {
        request.head.headers.first(name: "Range").flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
    }

    private static func part(from offset: Int, tag: String = "\"a\"", sending count: Int = .max) -> TestServer.Reply {
        let rest = content.dropFirst(offset)
        let status =
            offset == 0
            ? "HTTP/1.1 200 OK" : "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes \(offset)-299999/300000"
        let head = "\(status)\r\nETag: \(tag)\r\nContent-Length: \(rest.count)\r\n\r\n"
        return TestServer.Reply(bytes: head + rest.prefix(count), closes: count < rest.count)
    }

    @Test("case 43: cut again and again, it goes on where it was, on the condition that the file is the same")
    func cut() async throws {
        let asked = Mutex<[String]>([])
        let got = try await TestServer.with(respond: { request in
            let headers = request.head.headers
            asked.withLock {
                $0.append("\(headers.first(name: "Range") ?? "-") \(headers.first(name: "If-Range") ?? "-")")
            }
            return Self.part(from: Self.range(request), sending: request.number < 3 ? 80_000 : .max)
        }) { try await Rig($0).download() }
        #expect(got == Array(Self.content.utf8))
        let requests = asked.withLock { $0 }
        #expect(requests.count == 4)
        #expect(requests.first == "- -")
        #expect(requests.dropFirst().allSatisfy { $0.hasPrefix("bytes=") && $0.hasSuffix("- \"a\"") })
    }

    @Test("the request names file, machine and server, and one file in one connection")
    func request() async throws {
        let asked = Mutex<TestServer.Request?>(nil)
        _ = try await TestServer.with(respond: { request in
            asked.withLock { $0 = request }
            return Self.part(from: 0)
        }) { try await Rig($0).download() }
        let head = try #require(asked.withLock { $0?.head })
        #expect(head.uri == "/images/node/v1/root.squashfs?mac=52-54-00-12-34-56&platform=efi")
        #expect(head.headers.first(name: "Host")?.hasPrefix("127.0.0.1:") == true)
        #expect(head.headers.first(name: "Connection") == "close")
    }

    @Test("a server without ranges sends everything again")
    func noRanges() async throws {
        let got = try await TestServer.with(respond: { request in
            Self.part(from: 0, sending: request.number == 0 ? 80_000 : .max)
        }) { try await Rig($0).download() }
        #expect(got == Array(Self.content.utf8))
    }

    @Test("a file that changed in between is fetched from its beginning")
    func changed() async throws {
        let got = try await TestServer.with(respond: { request in
            request.number == 0
                ? Self.part(from: 0, tag: "\"old\"", sending: 80_000)
                : Self.part(from: Self.range(request), tag: "\"new\"")
        }) { try await Rig($0).download() }
        #expect(got == Array(Self.content.utf8))
    }

    @Test(
        "503, 404, silence at once and rubbish are tried again",
        arguments: [
            TestServer.Reply.ok("", status: "503 Service Unavailable", headers: ["Retry-After: 1"]),
            .ok("", status: "404 Not Found"), .hangUp, .init(bytes: "220 mail.example ESMTP\r\n", closes: true),
        ]
    )
    func again(reply: TestServer.Reply) async throws {
        let got = try await TestServer.with(respond: { $0.number < 2 ? reply : Self.part(from: 0) }) {
            try await Rig($0).download()
        }
        #expect(got == Array(Self.content.utf8))
    }

    @Test("A28: a redirect is refused, and the place it names is not asked")
    func redirect() async throws {
        try await TestServer.with(respond: { _ in .hangUp }) { other in
            let failure = await #expect(throws: LiveRootFailure.self) {
                try await TestServer.with(respond: { _ in
                    .ok("", status: "302 Found", headers: ["Location: http://127.0.0.1:\(other.port)/x"])
                }) { try await Rig($0).download() }
            }
            #expect(failure?.kind == .refused)
            #expect(failure?.message.contains("sends to another place (302)") == true)
            #expect(other.requests == 0)
        }
    }

    @Test("A26: content with one byte changed is fetched once more and then refused by a sentence")
    func tampered() async throws {
        let count = Mutex(0)
        let failure = await #expect(throws: LiveRootFailure.self) {
            try await TestServer.with(respond: { _ in
                count.withLock { $0 += 1 }
                var text = Self.content
                text.replaceSubrange(text.startIndex...text.startIndex, with: "Z")
                return .ok(text)
            }) { try await Rig($0).download() }
        }
        #expect(failure?.kind == .refused)
        #expect(failure?.message.contains("has other content than the signed manifest says (SHA-256)") == true)
        #expect(count.withLock { $0 } == 2)
    }

    @Test("a server that is gone gives a sentence of the network after a bounded number of tries")
    func gone() async throws {
        let server = try await TestServer.start { _ in .hangUp }
        let rig = try Rig(server)
        await server.stop()
        let failure = await #expect(throws: LiveRootFailure.self) { try await rig.download() }
        #expect(failure?.kind == .network)
        #expect(failure?.message.contains("cannot be reached: Connection refused") == true)
    }

    @Test("a manifest over the limit is refused, told or not")
    func manifestTooLong() async throws {
        for reply in [
            TestServer.Reply.ok(Self.content), .init(bytes: "HTTP/1.0 200 OK\r\n\r\n" + Self.content, closes: true),
        ] {
            let failure = await #expect(throws: LiveRootFailure.self) {
                try await TestServer.with(respond: { _ in reply }) { server in
                    try await Rig(server).fetch.bytes(of: "manifest.json", limit: 1000)
                }
            }
            #expect(failure?.kind == .refused)
        }
    }
}
