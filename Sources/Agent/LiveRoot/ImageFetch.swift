import Crypto
import Glibc
import HostModel
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemPackage

/// Does what a `ResumingDownload` decides: connections, answers, and a file that grows. One file at a time.
struct ImageFetch: Sendable {
    let folder: LiveImageFolder
    /// Appended to every path: `mac=…&platform=…`, by which the boot server knows whose step it is.
    let query: String
    /// Told of every pause, and of every few mebibytes.
    let tell: @Sendable (Progress) -> Void

    enum Progress: Sendable {
        case waiting(seconds: Int, reason: String)
        case received(Int64, of: Int64)
    }

    /// Seconds for TCP to connect, and of silence in the middle of an answer.
    static let connectSeconds: Int64 = 10
    static let silenceSeconds: Int64 = 30

    /// A small file, whole: the manifest, its signature.
    func bytes(of file: String, limit: Int) async throws -> [UInt8] {
        var download = ResumingDownload(sizeMax: Int64(limit))
        var sink = MemorySink()
        try await run(&download, file, into: &sink)
        return sink.bytes
    }

    /// The root image into an open file, from where an earlier attempt ended.
    func root(_ root: ImageManifest.File, _ download: inout ResumingDownload, into sink: inout FileSink) async throws {
        while true {
            try await run(&download, root.name, into: &sink)
            if sink.digest == root.sha256.bytes { return }
            try await obey(download.contentDiffers(), root.name)
            try sink.forget()
        }
    }

    private func run(
        _ download: inout ResumingDownload,
        _ file: String,
        into sink: inout some DownloadSink
    ) async throws {
        download.encourage()
        while true {
            let next = try await attempt(&download, file, into: &sink)
            if case .done = next { return }
            try await obey(next, file)
        }
    }

    /// Waits, or throws.
    private func obey(_ next: ResumingDownload.Next, _ file: String) async throws {
        switch next {
        case .done: return
        case .again(let seconds, let reason):
            tell(.waiting(seconds: seconds, reason: "\(folder.authority) \(reason)"))
            try await Task.sleep(for: .seconds(seconds))
        case .giveUp(let reason, let isFinal):
            let remedy =
                isFinal
                ? "see that the boot server has the image as it was published"
                : "see that the boot server runs and can be reached from here"
            throw LiveRootFailure(
                isFinal ? .refused : .network,
                "\(terminalEscaped(file)): \(folder.authority) \(reason)",
                remedy: remedy
            )
        }
    }

    private func attempt(
        _ download: inout ResumingDownload,
        _ file: String,
        into sink: inout some DownloadSink
    ) async throws -> ResumingDownload.Next {
        let request = download.nextRequest()
        do {
            let channel = try await connect()
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(.head(head(request, file)))
                try await outbound.write(.end(nil))
                return try await receive(inbound, &download, &sink)
            }
        } catch let failure as LiveRootFailure {
            throw failure
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return download.attemptEnded(.broken(Self.sentence(error)))
        }
    }

    private func receive(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        _ download: inout ResumingDownload,
        _ sink: inout some DownloadSink
    ) async throws -> ResumingDownload.Next {
        for try await part in inbound {
            switch part {
            case .head(let head):
                switch download.take(ResumingDownload.Head(head)) {
                case .stop(let next):
                    if download.received == 0 { try sink.forget() }
                    return next
                case .receive(let isFresh):
                    if isFresh { try sink.forget() }
                }
            case .body(let bytes):
                if let next = download.take(bytes: bytes.readableBytes) { return next }
                try sink.append(bytes)
                if let size = download.expectedSize { tell(.received(download.received, of: size)) }
            case .end: return download.attemptEnded(.complete)
            }
        }
        return download.attemptEnded(.broken("closed the connection"))
    }

    private func head(_ request: ResumingDownload.Request, _ file: String) -> HTTPRequestHead {
        var headers: HTTPHeaders = [
            "Host": folder.authority, "User-Agent": "muster-agent", "Accept": "*/*", "Connection": "close",
        ]
        if request.offset > 0 {
            headers.add(name: "Range", value: "bytes=\(request.offset)-")
            if let validator = request.validator { headers.add(name: "If-Range", value: validator) }
        }
        return HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: folder.target(file, query: query),
            headers: headers
        )
    }

    private typealias ClientChannel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws -> ClientChannel {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(Self.connectSeconds))
        let initialize: @Sendable (any Channel) -> EventLoopFuture<ClientChannel> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHTTPClientHandlers()
                try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(Self.silenceSeconds)))
                try pipeline.addHandler(SilenceHandler())
                return try ClientChannel(wrappingChannelSynchronously: channel)
            }
        }
        // An address needs no resolver, and the smallest image has none.
        let channel =
            if let address = try? SocketAddress(ipAddress: folder.host, port: Int(folder.port)) {
                try await bootstrap.connect(to: address, channelInitializer: initialize)
            } else {
                try await bootstrap.connect(host: folder.host, port: Int(folder.port), channelInitializer: initialize)
            }
        // A name may lead anywhere; what no boot server has is refused as it is in the argument itself.
        guard let address = channel.channel.remoteAddress?.ipAddress.flatMap({ IPv4Address($0) }),
            LiveImageFolder.isServer(address)
        else {
            try? await channel.channel.close()
            throw LiveRootFailure(
                .refused,
                "the name \(folder.host) leads to no address of a boot server",
                remedy: "correct the name server, or name the server by its address"
            )
        }
        return channel
    }

    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "cannot be reached: \(String(cString: strerror(error.errnoCode)))"
        case is SilenceHandler.Silent: "was silent for \(silenceSeconds) s"
        case ChannelError.connectTimeout: "did not take the call within \(connectSeconds) s"
        case let error as NIOConnectionError where error.dnsAError != nil && error.connectionErrors.isEmpty:
            "is a name that no name server knows"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { sentence($0.error) } ?? "cannot be reached"
        case HTTPParserError.invalidEOFState: "cut the connection"
        case is HTTPParserError: "does not answer in HTTP/1.1"
        default: "broke off the call (\(terminalEscaped("\(error)".prefix(120))))"
        }
    }
}

/// Turns a long silence into an error.
private final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    struct Silent: Error {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is IdleStateHandler.IdleStateEvent else { return context.fireUserInboundEventTriggered(event) }
        context.fireErrorCaught(Silent())
        context.close(promise: nil)
    }
}

extension ResumingDownload.Head {
    init(_ head: HTTPResponseHead) {
        self.init(status: Int(head.status.code))
        contentLength = head.headers.first(name: "Content-Length").flatMap { Int64($0) }
        contentRange = head.headers.first(name: "Content-Range")
        entityTag = head.headers.first(name: "ETag")
        lastModified = head.headers.first(name: "Last-Modified")
        retryAfter = head.headers.first(name: "Retry-After")
    }
}
