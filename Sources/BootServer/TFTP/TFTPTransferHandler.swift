import BootWire
import HostModel
import NIOCore
import NIOPosix

/// One transfer on its own socket: does what the machine says, and knows nothing of the protocol.
final class TFTPTransferHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    /// What a transfer tells its server.
    struct Observer: Sendable {
        /// The client has answered for the first time.
        var onAcknowledgement: @Sendable () -> Void
        var onFinish: @Sendable (TFTPReadTransfer.Outcome) -> Void
    }

    /// Sent through the pipeline when the server stops.
    enum Stop { case serverStops }

    private var machine: TFTPReadTransfer
    private let content: TFTPContent
    private let client: SocketAddress
    private let strangers: DatagramSender
    private let observer: Observer

    private var chunk: TFTPChunk
    private var timer: Scheduled<Void>?
    /// Counts orders to the disk: an answer to an old one is of no use any more.
    private var order = 0
    private var hasAnswered = false

    init(
        machine: TFTPReadTransfer,
        content: TFTPContent,
        client: SocketAddress,
        strangers: DatagramSender,
        observer: Observer
    ) {
        (self.machine, self.content, self.client) = (machine, content, client)
        (self.strangers, self.observer) = (strangers, observer)
        chunk = TFTPChunk(offset: 0, bytes: ByteBuffer())
        if case .bytes(let bytes) = content { chunk.bytes = bytes }
    }

    func channelActive(context: ChannelHandlerContext) { perform(machine.handle(.start), context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard envelope.remoteAddress == client else { return answerStranger(envelope.remoteAddress) }
        guard let packet = try? TFTPPacket(parsing: envelope.data) else { return }
        if !hasAnswered {
            hasAnswered = true
            observer.onAcknowledgement()
        }
        perform(machine.handle(.received(packet)), context)
    }

    func channelInactive(context: ChannelHandlerContext) { timer?.cancel() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // "Connection refused" says that the client is gone; it will be silent, which ends the transfer.
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is Stop, !machine.isFinished else { return context.fireUserInboundEventTriggered(event) }
        fail("the server stops", context)
    }

    /// RFC 1350, section 4: the stranger is told, and the transfer goes on.
    private func answerStranger(_ address: SocketAddress) {
        guard let source = address.ipv4, let port = address.port, port > 0 else { return }
        let packet = TFTPPacket.error(.unknownTransferID, message: Array("no such transfer".utf8))
        _ = strangers.send(packet.encoded.readableBytesView, to: source, port: UInt16(truncatingIfNeeded: port))
    }

    // MARK: - Actions

    private func perform(_ actions: [TFTPReadTransfer.Action], _ context: ChannelHandlerContext) {
        guard !actions.isEmpty else { return }
        order += 1
        let blocks = actions.compactMap { if case .sendBlock(let block) = $0 { block } else { nil } }
        if let first = blocks.first, let last = blocks.last,
            chunk.slice(at: first.offset, length: Int(last.offset - first.offset) + last.length) == nil
        {
            return fetch(first, last, then: actions, context)
        }
        for action in actions { perform(action, context) }
        context.flush()
    }

    private func perform(_ action: TFTPReadTransfer.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .sendOptions(let options): write(.optionAcknowledgement(options), context)
        case .sendBlock(let block):
            guard let bytes = chunk.slice(at: block.offset, length: block.length) else { return }
            write(.data(block: block.number, bytes), context)
        case .setTimer(let wait): setTimer(wait, context)
        case .finish(let outcome):
            observer.onFinish(outcome)
            context.close(promise: nil)
        }
    }

    private func write(_ packet: TFTPPacket, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(AddressedEnvelope(remoteAddress: client, data: packet.encoded)), promise: nil)
    }

    private func setTimer(_ wait: Duration, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
            self.perform(self.machine.handle(.timedOut), context)
        }
    }

    private func fail(_ reason: String, _ context: ChannelHandlerContext) {
        write(.error(.undefined, message: Array(reason.utf8)), context)
        context.flush()
        observer.onFinish(.aborted(.undefined, message: Array(reason.utf8)))
        context.close(promise: nil)
    }

    // MARK: - The disk

    /// Reads ahead from the first block on, then does the actions, unless newer ones have come.
    private func fetch(
        _ first: TFTPReadTransfer.Block,
        _ last: TFTPReadTransfer.Block,
        then actions: [TFTPReadTransfer.Action],
        _ context: ChannelHandlerContext
    ) {
        guard case .file(let file) = content else { return }
        let wanted = last.offset + UInt64(last.length) - first.offset
        let count = Int(min(max(TFTPChunk.bytesMin, wanted), file.size - first.offset))
        let (offset, order) = (first.offset, order)
        NIOThreadPool.singleton.runIfActive(eventLoop: context.eventLoop) { file.read(at: offset, count: count) }
            .assumeIsolated().whenComplete { result in
                guard order == self.order, context.channel.isActive else { return }
                guard case .success(let bytes?) = result else { return self.fail("the file cannot be read", context) }
                self.chunk = TFTPChunk(offset: offset, bytes: bytes)
                for action in actions { self.perform(action, context) }
                context.flush()
            }
    }
}
