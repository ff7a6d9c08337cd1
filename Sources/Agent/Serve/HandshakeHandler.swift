import NIOCore
import NIOTLS

/// Tells whether TLS came about, and ends a connection whose peer does not get that done in time.
final class HandshakeHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    struct TimedOut: Error, CustomStringConvertible {
        var description: String { "no TLS handshake within \(HandshakeHandler.seconds) seconds" }
    }

    /// How long a stranger may hold a place: a handshake is two round trips and a signature.
    static let seconds: Int64 = 3

    private let outcome: EventLoopPromise<Void>
    private var timeout: Scheduled<Void>?

    init(_ outcome: EventLoopPromise<Void>) { self.outcome = outcome }

    func handlerAdded(context: ChannelHandlerContext) {
        let (outcome, channel) = (outcome, context.channel)
        timeout = context.eventLoop.scheduleTask(in: .seconds(Self.seconds)) {
            outcome.fail(TimedOut())
            channel.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { end(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(error))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(ChannelError.eof))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(.failure(ChannelError.eof)) }

    private func end(_ result: Result<Void, any Error>) {
        timeout?.cancel()
        outcome.completeWith(result)
    }
}

/// Tells once that the peer has said something, and leaves.
final class FirstBytesHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let onBytes: () -> Void

    init(_ onBytes: @escaping () -> Void) { self.onBytes = onBytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onBytes()
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
