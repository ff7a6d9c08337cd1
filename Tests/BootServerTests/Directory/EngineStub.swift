import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on a Unix socket that answers as it is told: the engine's side of `BootDirectory`.
final class EngineStub: Sendable {
    /// What is done with a call.
    enum Reaction: Sendable {
        case answer(HTTPResponseStatus, String)
        case silence
    }

    struct Call: Sendable {
        var method: HTTPMethod
        var path: String
        var body: String
    }

    let path: String
    private let reactions: Mutex<[String: Reaction]>
    private let seen = Mutex<[Call]>([])
    private let channel = Mutex<(any Channel)?>(nil)

    private init(path: String, reactions: [String: Reaction]) {
        self.path = path
        self.reactions = Mutex(reactions)
    }

    /// Runs a body while a stub listens.
    static func with(
        _ reactions: [String: Reaction],
        _ body: @Sendable (EngineStub) async throws -> Void
    ) async throws {
        let stub = EngineStub(
            path: "/tmp/muster-boot-directory-\(getpid())-\(UInt32.random(in: .min ... .max)).sock",
            reactions: reactions
        )
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(stub: stub))
                }
            }
            .bind(unixDomainSocketPath: stub.path, cleanupExistingSocketFile: true).get()
        stub.channel.withLock { $0 = channel }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(stub))
        } catch {
            result = .failure(error)
        }
        await stub.stop()
        try result.get()
    }

    var calls: [Call] { seen.withLock { $0 } }

    func react(to path: String, _ reaction: Reaction) { reactions.withLock { $0[path] = reaction } }

    /// Listens no more, as an engine that restarts.
    func stop() async {
        try? await channel.withLock { $0 }?.close().get()
        unlink(path)
    }

    private func take(_ call: Call) -> Reaction {
        seen.withLock { $0.append(call) }
        return reactions.withLock { $0[call.path] } ?? .answer(.notFound, "{}")
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let stub: EngineStub
        private var call = Call(method: .GET, path: "", body: "")

        init(stub: EngineStub) { self.stub = stub }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): call = Call(method: head.method, path: head.uri, body: "")
            case .body(let body): call.body += String(buffer: body)
            case .end:
                guard case .answer(let status, let text) = stub.take(call) else { return }
                let headers: HTTPHeaders = status == .noContent ? [:] : ["Content-Length": "\(text.utf8.count)"]
                let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                if status != .noContent {
                    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                }
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
