import NIOCore
import NIOHTTPTypes

/// Closes connections that take more than their share: one too many of an address, bodies that trickle, and answers that
/// nobody takes.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What a connection must do not to be closed.
    struct Pace: Sendable {
        /// Every so often a body that is still coming must have brought `bytes` more, and an answer that is still going
        /// must have left the engine by as much.
        var interval = TimeAmount.seconds(30)
        var bytes = 32 << 10
    }

    private let quota: ConnectionQuota
    private let pace: Pace
    private var source: String?
    private var received = 0
    private var check: Scheduled<Void>?
    /// Bytes of the answer that were written since the last look, and how many waited in the channel then.
    private var written = 0
    private var waiting = 0
    private var drain: Scheduled<Void>?

    init(quota: ConnectionQuota, pace: Pace = Pace()) { (self.quota, self.pace) = (quota, pace) }

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

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .body(let bytes) = unwrapOutboundIn(data) { written += bytes.readableBytes }
        context.write(data, promise: promise)
        if drain == nil { watchDrain(context) }
    }

    private func admit(_ context: ChannelHandlerContext) {
        guard source == nil, let address = context.remoteAddress?.ipAddress else { return }
        guard quota.enter(address) else { return context.close(promise: nil) }
        source = address
    }

    private func leave() {
        check?.cancel()
        drain?.cancel()
        (check, drain) = (nil, nil)
        guard let address = source else { return }
        source = nil
        quota.leave(address)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        check?.cancel()
        check = context.eventLoop.assumeIsolated().scheduleTask(in: pace.interval) {
            guard self.received >= self.pace.bytes else { return context.close(promise: nil) }
            self.received = 0
            self.schedule(context)
        }
    }

    /// Looks again as long as something waits to leave.
    private func watchDrain(_ context: ChannelHandlerContext) {
        drain = context.eventLoop.assumeIsolated().scheduleTask(in: pace.interval) {
            let left = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
            let taken = self.waiting + self.written - left
            (self.waiting, self.written, self.drain) = (left, 0, nil)
            guard left > 0 else { return }
            guard taken >= self.pace.bytes else { return context.close(mode: .all, promise: nil) }
            self.watchDrain(context)
        }
    }
}
