package import NIOCore
package import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

/// A server in the test process that answers each request with bytes of the test's choice: right ones, cut ones, none.
package final class TestServer: Sendable {
    package struct Request: Sendable {
        package var head: HTTPRequestHead
        package var body: ByteBuffer
        /// How many connections there were when it came.
        package var connection: Int
        /// The how many-th request of this server, from 0.
        package var number: Int
    }

    package struct Reply: Sendable {
        package var bytes: String
        package var closes: Bool

        package init(bytes: String, closes: Bool = false) { (self.bytes, self.closes) = (bytes, closes) }

        /// Complete, with its length.
        package static func ok(_ body: String, status: String = "200 OK", headers: [String] = []) -> Reply {
            let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
            return Reply(bytes: lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }
        package static let silence = Reply(bytes: "")
        package static let hangUp = Reply(bytes: "", closes: true)
    }

    package typealias Responder = @Sendable (Request) -> Reply

    private let channel: any Channel
    private let counters: Counters

    fileprivate final class Counters: Sendable {
        let values = Mutex((connections: 0, requests: 0))
    }

    private init(_ channel: any Channel, _ counters: Counters) { (self.channel, self.counters) = (channel, counters) }

    package var port: Int { channel.localAddress?.port ?? 0 }
    package var connections: Int { counters.values.withLock { $0.connections } }
    package var requests: Int { counters.values.withLock { $0.requests } }
    package func stop() async { try? await channel.close() }

    package static func start(
        unixPath: String? = nil,
        tls: TLSConfiguration? = nil,
        _ respond: @escaping Responder
    ) async throws -> TestServer {
        let counters = Counters()
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(Conversation(counters: counters, respond: respond))
                }
            }
        if let unixPath { return TestServer(try await bootstrap.bind(unixDomainSocketPath: unixPath).get(), counters) }
        return TestServer(try await bootstrap.bind(host: "127.0.0.1", port: 0).get(), counters)
    }

    /// Runs a test against a server and stops the server whatever comes of it.
    package static func with<Result>(
        unixPath: String? = nil,
        tls: TLSConfiguration? = nil,
        respond: @escaping Responder,
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = try await start(unixPath: unixPath, tls: tls, respond)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }
}

private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let counters: TestServer.Counters
    private let respond: TestServer.Responder
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var connection = 0

    init(counters: TestServer.Counters, respond: @escaping TestServer.Responder) {
        (self.counters, self.respond) = (counters, respond)
    }

    func channelActive(context: ChannelHandlerContext) {
        connection = counters.values.withLock {
            $0.connections += 1
            return $0.connections
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, ByteBuffer())
        case .body(let piece): body.writeImmutableBuffer(piece)
        case .end:
            guard let head else { return }
            let number = counters.values.withLock {
                $0.requests += 1
                return $0.requests - 1
            }
            let reply = respond(.init(head: head, body: body, connection: connection, number: number))
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply.bytes)), promise: nil)
            if reply.closes { context.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
