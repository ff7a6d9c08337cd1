import NIOCore
import NIOSSL
import NIOTLS

/// Stands behind the TLS of a connection until the handshake is over: cuts off who takes too long, and says when one ended.
final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let time: TimeAmount
    private var onEnd: (() -> Void)?
    private var deadline: Scheduled<Void>?

    /// `onEnd` is called once, whatever becomes of the handshake.
    init(within time: TimeAmount, onEnd: @escaping () -> Void) { (self.time, self.onEnd) = (time, onEnd) }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { Self.cutOff(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        end()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whoever fails once begins with a new connection.
        Self.cutOff(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        deadline?.cancel()
        onEnd?()
        onEnd = nil
    }

    /// Past TLS, which would say good-bye first and wait for the answer.
    private static func cutOff(_ context: ChannelHandlerContext) {
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? context).close(promise: nil)
    }
}
