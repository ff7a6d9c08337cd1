import NIOCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

@testable import EngineClient

#if canImport(Glibc)
import Glibc
#endif

@Suite struct TransportTests {
    private func transport(
        _ server: TestServer,
        limits: TransportLimits = TransportLimits()
    ) throws -> HTTPTransport {
        try HTTPTransport(.http(host: "127.0.0.1", port: server.port), trust: .any, limits: limits)
    }

    /// The error of a call that must fail.
    private func failure(_ transport: HTTPTransport, _ call: HTTPCall = .get("/")) async -> TransportError? {
        do {
            _ = try await transport.send(call)
            return nil
        } catch { return error }
    }

    private func text(_ transport: HTTPTransport, _ call: HTTPCall) async throws -> String {
        String(buffer: try await transport.send(call).body)
    }

    @Test func carriesACallAndItsAnswer() async throws {
        let respond: TestServer.Responder = { request in
            let body = String(buffer: request.body)
            let headers = "\(request.head.headers["X"])\(request.head.headers["Content-Length"])"
            return .ok("\(request.head.method) \(request.head.uri) \(headers) \(body)", headers: ["Y: 2"])
        }
        try await TestServer.with(respond: respond) { server in
            var call = HTTPCall.post("/p?q=%20", ByteBuffer(string: "{}"))
            call.headers.add(name: "X", value: "1")
            let answer = try await transport(server).send(call)
            #expect(answer.status == 200)
            #expect(answer.headers["Y"] == ["2"])
            #expect(String(buffer: answer.body) == #"POST /p?q=%20 ["1"]["2"] {}"#)
            #expect(answer.peer.certificates.isEmpty)
        }
    }

    @Test("an error status is an answer", arguments: ["404 Not Found", "503 Service Unavailable"])
    func errorStatus(status: String) async throws {
        try await TestServer.with(respond: { _ in .ok("why", status: status) }) { server in
            let answer = try await transport(server).send(.get("/"))
            #expect("\(answer.status)" == status.prefix(3))
            #expect(String(buffer: answer.body) == "why")
        }
    }

    @Test func speaksOverAUnixSocket() async throws {
        let path = "/tmp/muster-transport-\(getpid()).sock"
        try await TestServer.with(unixPath: path, respond: { .ok($0.head.uri) }) { _ in
            let endpoint = try #require(Endpoint(path))
            let answer = try await HTTPTransport(endpoint, trust: .any).send(.get("/boot/reservations"))
            #expect(String(buffer: answer.body) == "/boot/reservations")
        }
        let transport = try HTTPTransport(.unix(path: path), trust: .any)
        #expect(await failure(transport) == .refused(.unix(path: path)))
    }

    @Test func keepsAConnectionForIdempotentCallsOnly() async throws {
        try await TestServer.with(respond: { .ok("\($0.connection)") }) { server in
            let transport = try transport(server)
            for _ in 0..<3 { #expect(try await text(transport, .get("/")) == "1") }
            #expect(try await text(transport, .post("/", ByteBuffer())) == "2")
            transport.close()
        }
    }

    @Test func repeatsAnIdempotentCallOnceWhenTheKeptConnectionIsGone() async throws {
        // Answers the first request, then hangs up on the second, which comes over the kept connection.
        try await TestServer.with(respond: { $0.number == 1 ? .hangUp : .ok("\($0.connection)") }) { server in
            let transport = try transport(server)
            #expect(try await text(transport, .get("/")) == "1")
            #expect(try await text(transport, .get("/")) == "2")
            #expect(server.requests == 3)
        }
    }

    @Test func doesNotRepeatOnANewConnection() async throws {
        try await TestServer.with(respond: { _ in .hangUp }) { server in
            let transport = try transport(server)
            #expect(await failure(transport) == .closed(transport.endpoint, answerStarted: false))
            #expect(server.requests == 1)
        }
    }

    @Test(
        "a truncated answer is an error, not a short body",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
            "HTTP/1.1 200 OK\r\nContent-Le",
        ]
    )
    func truncated(bytes: String) async throws {
        try await TestServer.with(respond: { _ in .init(bytes: bytes, closes: true) }) { server in
            let transport = try transport(server)
            #expect(await failure(transport) == .closed(transport.endpoint, answerStarted: true))
        }
    }

    @Test func refusesWhatIsNotHTTP() async throws {
        try await TestServer.with(respond: { _ in .init(bytes: "SSH-2.0-OpenSSH_9.2\r\n", closes: true) }) { server in
            let transport = try transport(server)
            guard case .malformed = await failure(transport) else {
                Issue.record("expected malformed, got \(String(describing: await failure(transport)))")
                return
            }
        }
    }

    @Test(
        "a body over the limit is refused, declared or not",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + String(repeating: "x", count: 101),
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 101),
        ]
    )
    func oversized(bytes: String) async throws {
        try await TestServer.with(respond: { _ in .init(bytes: bytes, closes: true) }) { server in
            var limits = TransportLimits()
            limits.answerBytesMax = 100
            let transport = try transport(server, limits: limits)
            #expect(await failure(transport) == .oversized(transport.endpoint, limit: 100))
        }
    }

    @Test func timesOutOnSilence() async throws {
        try await TestServer.with(respond: { _ in .silence }) { server in
            var limits = TransportLimits()
            limits.readSeconds = 1
            let transport = try transport(server, limits: limits)
            #expect(await failure(transport) == .timedOut(transport.endpoint, .answering, seconds: 1))
        }
    }

    @Test func cancellationEndsACallAtOnce() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let respond: TestServer.Responder = { _ in
            arrival.yield()
            return .silence
        }
        try await TestServer.with(respond: respond) { server in
            let transport = try transport(server)
            let call = Task { await failure(transport) }
            for await _ in arrived { break }
            call.cancel()
            #expect(await call.value == .cancelled)
        }
    }

    @Test func saysThatNobodyListens() async throws {
        let server = try await TestServer.start { _ in .silence }
        let endpoint = Endpoint.http(host: "127.0.0.1", port: server.port)
        await server.stop()
        let transport = try HTTPTransport(endpoint, trust: .any)
        #expect(await failure(transport) == .refused(endpoint))
    }

    @Test func saysThatANameIsUnknown() async throws {
        let transport = try HTTPTransport(.http(host: "no-such-host.invalid", port: 80), trust: .any)
        #expect(await failure(transport) == .nameNotFound(host: "no-such-host.invalid"))
    }

    @Test func streamsABodyOfKnownLength() async throws {
        try await TestServer.with(respond: { .ok("\($0.body.readableBytes)") }) { server in
            let left = Mutex(3)
            let call = HTTPCall(
                .PUT,
                "/",
                body: .stream(length: 3 << 20) {
                    left.withLock { left in
                        guard left > 0 else { return nil }
                        left -= 1
                        return ByteBuffer(repeating: 7, count: 1 << 20)
                    }
                }
            )
            let text = try await text(try transport(server), call)
            #expect(text == "\(3 << 20)")
        }
    }

    @Test("a stream of another length than promised is refused", arguments: [nil, ByteBuffer(string: "12345")])
    func streamOfWrongLength(piece: ByteBuffer?) async throws {
        try await TestServer.with(respond: { _ in .ok("") }) { server in
            let call = HTTPCall(.PUT, "/", body: .stream(length: 4) { piece })
            let transport = try transport(server)
            #expect(await failure(transport, call) == .bodyFailed(reason: "it is not 4 bytes long"))
        }
    }
}
