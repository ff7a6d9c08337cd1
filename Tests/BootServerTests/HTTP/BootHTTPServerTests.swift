import Glibc
import HostModel
import NIOCore
import Testing

@testable import BootServer

/// The HTTP cases of the acceptance list (H1 …) against a real server on loopback.
@Suite(.timeLimit(.minutes(2))) struct BootHTTPServerTests {
    private static let image = "/images/node/1/vmlinuz"

    @Test("H1: HEAD then GET on one connection, equal headers, and the connection stays")
    func headThenGet() async throws {
        try await BootHTTPFixture.with { fixture in
            let target = "\(Self.image) HTTP/1.1\r\nHost: t\r\n"
            let client = try await RawClient.connect(port: fixture.server.port)
            try await client.send("HEAD \(target)\r\n")
            await client.wait(for: "\r\n\r\n")
            let head = client.text
            try await client.send("GET \(target)Connection: close\r\n\r\n")
            let text = await client.untilClosed()
            client.close()
            #expect(text.statuses == [200, 200])
            let second = String(text.dropFirst(head.count))
            for name in ["Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"] {
                #expect(head.header(name) != nil && head.header(name) == second.header(name))
            }
            #expect(head.header("Connection") == "keep-alive")
            #expect(
                Array(second.body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) == BootHTTPFixture.kernel
            )
        }
    }

    @Test(
        "H2: ranges",
        arguments: [
            ("0-99", 206, "bytes 0-99/300000", 100), ("100-", 206, "bytes 100-299999/300000", 299_900),
            ("-50", 206, "bytes 299950-299999/300000", 50), ("999999999-", 416, "bytes */300000", 27),
            ("a-b", 200, nil, 300_000), ("0-1,3-4", 200, nil, 300_000),
        ] as [(String, Int, String?, Int)]
    )
    func ranges(range: String, status: Int, contentRange: String?, length: Int) async throws {
        try await BootHTTPFixture.with { fixture in
            let answer = try await fixture.get(Self.image, "Range: bytes=\(range)\r\n")
            #expect(answer.statuses == [status])
            #expect(answer.header("Content-Range") == contentRange)
            #expect(answer.header("Content-Length") == String(answer.body.unicodeScalars.count))
            if status != 416 { #expect(answer.body.unicodeScalars.count == length) }
        }
    }

    @Test("H3: conditions with a range")
    func conditions() async throws {
        try await BootHTTPFixture.with { fixture in
            let tag = try #require(try await fixture.get(Self.image).header("ETag"))
            let cases = [
                ("If-Match: \(tag)", 206), ("If-Match: \"x\"", 412), ("If-Range: \(tag)", 206),
                ("If-Range: \"x\"", 200),
                ("If-None-Match: \(tag)", 304),
            ]
            for (header, status) in cases {
                let answer = try await fixture.get(Self.image, "Range: bytes=0-9\r\n\(header)\r\n")
                #expect(answer.statuses == [status], "\(header)")
                #expect(status != 304 || answer.body.isEmpty)
            }
        }
    }

    @Test(
        "H4, H8, H9, H16: versions, hosts and paths",
        arguments: [
            ("GET /boot/ipxe HTTP/1.0\r\n\r\n", 200), ("GET /boot/ipxe HTTP/1.1\r\n\r\n", 400),
            ("GET /boot/ipxe HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET http://x/boot/ipxe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
            ("GET //boot//ipxe?a=1 HTTP/1.0\r\n\r\n", 200), ("GET /images/%2e%2e/1/x HTTP/1.0\r\n\r\n", 400),
            ("GET /images/node/1/%00 HTTP/1.0\r\n\r\n", 400), ("GET /images/node/1/%c0%ae HTTP/1.0\r\n\r\n", 400),
            ("GET /images/node/1/..%2f..%2fx HTTP/1.0\r\n\r\n", 400), ("GET /images/node/1/link HTTP/1.0\r\n\r\n", 404),
            ("GET /images/etc/1/passwd HTTP/1.0\r\n\r\n", 404),
            ("GET /images/etc/apt/sources.list HTTP/1.0\r\n\r\n", 404),
            ("GET /images/node/1/directory HTTP/1.0\r\n\r\n", 404), ("GET /images/node/1/pipe HTTP/1.0\r\n\r\n", 404),
            ("GET /images/node/1/nothing HTTP/1.0\r\n\r\n", 404), ("GET /boot/ipxe.efi HTTP/1.0\r\n\r\n", 200),
            ("GET /images/node/1/empty HTTP/1.0\r\n\r\n", 200), ("POST /boot/ipxe HTTP/1.0\r\n\r\n", 405),
            ("DELETE /boot/ipxe HTTP/1.0\r\n\r\n", 405), ("nonsense\r\n\r\n", 400),
            ("GET /boot/ipxe HTTP/2.0\r\n\r\n", 400),
            ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", 400),
            (
                "POST /boot/event HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n"
                    + String(repeating: "{", count: 70_000), 413
            ),
            ("GET /boot/ipxe HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "a", count: 65_536) + "\r\n\r\n", 431),
            ("GET /boot/ipxe HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X: a\r\n", count: 1000) + "\r\n", 431),
        ]
    )
    func answers(request: String, status: Int) async throws {
        try await BootHTTPFixture.with { fixture in
            let answer = try await fixture.exchange(request)
            #expect(answer.statuses == [status])
            #expect(answer.header("Connection") == "close")
        }
    }

    @Test("H10: header names as GRUB looks for them, and never chunked")
    func canonicalHeaders() async throws {
        try await BootHTTPFixture.with { fixture in
            for target in ["/boot/ipxe", Self.image, "/boot/script?mac=\(BootHTTPFixture.mac)", "/nothing"] {
                let answer = try await fixture.get(target)
                let length = String(answer.body.unicodeScalars.count)
                #expect(answer.contains("\r\nContent-Length: \(length)\r\n"))
                #expect(!answer.contains("Transfer-Encoding"))
            }
        }
    }

    @Test("requests in one go are answered in order, over one connection")
    func pipelining() async throws {
        try await BootHTTPFixture.with { fixture in
            let one = "GET /boot/ipxe HTTP/1.1\r\nHost: t\r\n\r\n"
            let missing = "GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n"
            let last = "GET \(Self.image) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
            let answer = try await fixture.exchange(one + missing + one + last)
            #expect(answer.statuses == [200, 404, 200, 200])
        }
    }

    @Test("a client that closes its side after the request still gets the whole answer")
    func halfClosed() async throws {
        try await BootHTTPFixture.with { fixture in
            let client = try await RawClient.connect(port: fixture.server.port)
            try await client.send("GET \(Self.image) HTTP/1.1\r\nHost: t\r\n\r\n")
            try await client.closeOutput()
            let text = await client.untilClosed()
            client.close()
            #expect(text.body.unicodeScalars.count == BootHTTPFixture.kernel.count)
        }
    }

    @Test("a request that comes byte by byte is read")
    func drippingRequest() async throws {
        try await BootHTTPFixture.with { fixture in
            let client = try await RawClient.connect(port: fixture.server.port)
            for character in "GET /boot/ipxe HTTP/1.0\r\n\r\n" { try await client.send(String(character)) }
            #expect(await client.untilClosed().statuses == [200])
            client.close()
        }
    }

    @Test("H7: a request that never ends is given up")
    func endlessRequest() async throws {
        var limits = BootHTTPLimits()
        limits.firstRequest = .milliseconds(300)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let client = try await RawClient.connect(port: fixture.server.port)
            try await client.send("GET /boot/ipxe HTTP/1.1\r\nHost")
            #expect(await client.untilClosed().statuses == [408])
            client.close()
        }
    }

    @Test("an idle connection is closed without a word")
    func idleConnection() async throws {
        var limits = BootHTTPLimits()
        limits.nextRequest = .milliseconds(100)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let answer = try await fixture.exchange("GET /boot/ipxe HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(answer.statuses == [200])
        }
    }

    @Test("H6: a client that stops reading loses its connection, and the event says so")
    func stalledClient() async throws {
        var limits = BootHTTPLimits()
        (limits.sliceMin, limits.bytesPerSecondMin, limits.sliceBytes) = (.milliseconds(200), 10 << 20, 1 << 20)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            // More than the kernel buffers on both sides of a connection on loopback.
            let path = fixture.root + "/images/node/1/vmlinuz"
            #expect(truncate(path, 64 << 20) == 0)
            let client = try await RawClient.connect(port: fixture.server.port, reads: false)
            try await client.send("GET \(Self.image)?mac=\(BootHTTPFixture.mac) HTTP/1.1\r\nHost: t\r\n\r\n")
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .failed)
            #expect(event?.detail.hasPrefix("stopped loading vmlinuz of node 1") == true)
            client.close()
        }
    }

    @Test("a file that shrinks while it is sent ends the connection, short of the promised length")
    func shrinkingFile() async throws {
        var limits = BootHTTPLimits()
        (limits.sliceMin, limits.sliceCheck, limits.sliceBytes) = (.seconds(60), .milliseconds(50), 1 << 20)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let path = fixture.root + "/images/node/1/vmlinuz"
            #expect(truncate(path, 64 << 20) == 0)
            let client = try await RawClient.connect(port: fixture.server.port, reads: false)
            try await client.send("GET \(Self.image) HTTP/1.1\r\nHost: t\r\n\r\n")
            await client.readOnce()
            #expect(truncate(path, 10) == 0)
            try await client.startReading()
            await client.wait(for: nil)
            client.close()
            #expect(client.count < 64 << 20)
            // The server lives.
            #expect(try await fixture.get("/boot/ipxe").statuses == [200])
        }
    }

    @Test("connections over the limit of one peer are closed, and room comes back")
    func connectionLimit() async throws {
        var limits = BootHTTPLimits()
        limits.connectionsPerPeerMax = 2
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let request = "GET /boot/ipxe HTTP/1.1\r\nHost: t\r\n\r\n"
            var clients: [RawClient] = []
            for _ in 0..<2 {
                let client = try await RawClient.connect(port: fixture.server.port)
                try await client.send(request)
                await client.wait(for: "chain script\n")
                clients.append(client)
            }
            let third = try await RawClient.connect(port: fixture.server.port)
            #expect(await third.untilClosed() == "")
            for client in clients + [third] { client.close() }
            while fixture.server.connectionCount > 0 { await Task.yield() }
            #expect(try await fixture.get("/boot/ipxe").statuses == [200])
        }
    }
}
