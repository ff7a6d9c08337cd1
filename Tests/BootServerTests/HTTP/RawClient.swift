import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A TCP client without any HTTP of its own: sends bytes as they are, and shows what came.
final class RawClient: Sendable {
    private struct Received {
        var bytes = ByteBuffer()
        var isClosed = false
        var waiters: [(ending: String?, done: CheckedContinuation<Void, Never>)] = []

        /// Looks at the last bytes only: a waiter may wait through many megabytes.
        func ends(with ending: String?) -> Bool {
            guard let ending, bytes.readableBytes > 0 else { return false }
            return bytes.readableBytesView.suffix(ending.utf8.count).elementsEqual(ending.utf8)
        }
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let client: RawClient

        init(client: RawClient) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            client.update { $0.bytes.writeBuffer(&buffer) }
        }

        func channelInactive(context: ChannelHandlerContext) { client.update { $0.isClosed = true } }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { client.update { $0.isClosed = true } }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let received = Mutex(Received())
    private let channel = Mutex<(any Channel)?>(nil)

    /// One that does not read leaves everything in the kernel's buffer, as a client that hangs does.
    static func connect(port: Int, reads: Bool = true, tls: NIOSSLContext? = nil) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(client: client))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    func send(_ text: String) async throws {
        try await channel.withLock { $0 }?.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func closeOutput() async throws { try await channel.withLock { $0 }?.close(mode: .output).get() }

    func startReading() async throws { try await channel.withLock { $0 }?.setOption(.autoRead, value: true).get() }

    func close() { channel.withLock { $0 }?.close(promise: nil) }

    /// What came until now, byte by byte as Latin-1.
    var text: String { received.withLock { Self.text($0) } }

    /// Bytes that came until now.
    var count: Int { received.withLock { $0.bytes.readableBytes } }

    /// Everything until the server closes its side.
    func untilClosed() async -> String {
        await wait(for: nil)
        return text
    }

    /// Takes one read's worth, at most 64 KiB or so, and leaves the rest in the kernel.
    func readOnce() async {
        channel.withLock { $0 }?.read()
        await wait(for: "")
    }

    /// Returns when what came ends so (something came, for the empty text), or the server closed.
    func wait(for ending: String?) async {
        await withCheckedContinuation { continuation in
            let isDone = received.withLock { received in
                guard !received.isClosed, !received.ends(with: ending) else { return true }
                received.waiters.append((ending, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    private func update(_ change: (inout Received) -> Void) {
        let done = received.withLock { received in
            change(&received)
            let all = received.waiters
            received.waiters = all.filter { !received.isClosed && !received.ends(with: $0.ending) }
            return all.filter { received.isClosed || received.ends(with: $0.ending) }.map(\.done)
        }
        for continuation in done { continuation.resume() }
    }

    private static func text(_ received: Received) -> String {
        String(String.UnicodeScalarView(received.bytes.readableBytesView.map { Unicode.Scalar($0) }))
    }
}
