import NIOCore
import NIOHTTPTypes

/// Closes connections that take more than their share: one too many of an address, and bodies that trickle.
final class ConnectionGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    /// Every so often a body that is still coming must have brought `paceBytes` more.
    static let paceInterval = TimeAmount.seconds(30)
    static let paceBytes = 32 << 10

    private let quota: ConnectionQuota
    private var source: String?
    private var received = 0
    private var check: Scheduled<Void>?

    init(quota: ConnectionQuota) { self.quota = quota }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { admit(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        admit(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            received = 0
            schedule(context)
        case .body(let bytes): received += bytes.readableBytes
        case .end:
            check?.cancel()
            check = nil
        }
        context.fireChannelRead(data)
    }

    private func admit(_ context: ChannelHandlerContext) {
        guard source == nil, let address = context.remoteAddress?.ipAddress else { return }
        guard quota.enter(address) else { return context.close(promise: nil) }
        source = address
    }

    private func leave() {
        check?.cancel()
        check = nil
        guard let address = source else { return }
        source = nil
        quota.leave(address)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        check?.cancel()
        check = context.eventLoop.assumeIsolated().scheduleTask(in: Self.paceInterval) {
            guard self.received >= Self.paceBytes else { return context.close(promise: nil) }
            self.received = 0
            self.schedule(context)
        }
    }
}
