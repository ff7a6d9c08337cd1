import HostModel
import NIOCore
import NIOHTTP1
import Synchronization

/// The connections of a server: lets them in up to the limits, and ends them.
final class OpenConnections: Sendable {
    private struct Open {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var onEmpty: EventLoopPromise<Void>?
    }

    private let open = Mutex(Open())
    private let admission: Admission<String>
    private let limits: BootHTTPLimits

    init(limits: BootHTTPLimits) {
        self.limits = limits
        admission = Admission(totalMax: limits.connectionsMax, perKeyMax: limits.connectionsPerPeerMax)
    }

    var count: Int { admission.count }

    /// Puts the handlers into a new channel. One over a limit is closed: the client sees a reset and tries again.
    func accept(_ channel: any Channel, _ responder: BootHTTPResponder) throws {
        let peer = channel.remoteAddress?.ipAddress ?? ""
        guard admission.enter(peer) else { throw ChannelError.ioOnClosedChannel }
        let id = ObjectIdentifier(channel)
        open.withLock { $0.channels[id] = channel }
        channel.closeFuture.whenComplete { _ in self.left(id, peer) }
        try channel.pipeline.syncOperations.addHandlers(
            HTTPResponseEncoder(),
            ByteToMessageHandler(limits.requestDecoder),
            BootHTTPConnection(responder: responder.serving(peer), address: IPv4Address(peer))
        )
    }

    /// Tells every connection to end after its answer, and waits for that; what is open after `time` is cut off.
    func drain(within time: TimeAmount) async {
        let channels = open.withLock { Array($0.channels.values) }
        guard let loop = channels.first?.eventLoop else { return }
        let empty = loop.makePromise(of: Void.self)
        let isEmpty = open.withLock { open in
            if !open.channels.isEmpty { open.onEmpty = empty }
            return open.channels.isEmpty
        }
        if isEmpty { empty.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let cutOff = loop.scheduleTask(in: time) { for channel in channels { channel.close(promise: nil) } }
        try? await empty.futureResult.get()
        cutOff.cancel()
    }

    private func left(_ id: ObjectIdentifier, _ peer: String) {
        admission.leave(peer)
        let onEmpty = open.withLock { open -> EventLoopPromise<Void>? in
            open.channels[id] = nil
            guard open.channels.isEmpty, let promise = open.onEmpty else { return nil }
            open.onEmpty = nil
            return promise
        }
        onEmpty?.succeed()
    }
}

extension BootHTTPLimits {
    /// Reads requests within these limits.
    var requestDecoder: HTTPRequestDecoder {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = headBytesMax
        configuration.maxHeaderListSize = headBytesMax
        configuration.maxHeaderFieldCount = headerFieldsMax
        return HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: configuration)
    }
}
