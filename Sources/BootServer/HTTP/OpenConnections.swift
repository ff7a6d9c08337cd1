import HostModel
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// The connections of a server: lets them in up to the limits, and ends them.
final class OpenConnections: Sendable {
    private struct Open {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var onEmpty: EventLoopPromise<Void>?
    }

    private let open = Mutex(Open())
    private let admission: Admission<String>
    private let handshakes: Admission<String>
    private let handshakeRate: Allowance<String>
    private let identity: ServerIdentity?
    private let limits: BootHTTPLimits

    /// `identity`: by which TLS is spoken; `nil` for clear HTTP.
    init(limits: BootHTTPLimits, identity: ServerIdentity? = nil) {
        (self.limits, self.identity) = (limits, identity)
        handshakes = Admission(totalMax: limits.handshakesMax, perKeyMax: limits.handshakesPerPeerMax)
        handshakeRate = Allowance(
            burst: limits.handshakesPerPeer,
            interval: .milliseconds(Int64(limits.askMilliseconds)),
            keysMax: limits.askingPeersMax
        )
        let most = identity == nil ? limits.connectionsMax : limits.encryptedConnectionsMax
        admission = Admission(totalMax: most, perKeyMax: limits.connectionsPerPeerMax)
    }

    var count: Int { admission.count }

    /// Puts the handlers into a new channel. One over a limit is closed: the client sees a reset and tries again.
    func accept(_ channel: any Channel, _ responder: BootHTTPResponder) throws {
        let peer = channel.remoteAddress?.ipAddress ?? ""
        guard admission.enter(peer) else { throw ChannelError.ioOnClosedChannel }
        let id = ObjectIdentifier(channel)
        open.withLock { $0.channels[id] = channel }
        channel.closeFuture.whenComplete { _ in self.left(id, peer) }
        if let identity { try secure(channel, peer, identity) }
        try channel.pipeline.syncOperations.addHandlers(
            HTTPResponseEncoder(),
            ByteToMessageHandler(limits.requestDecoder),
            BootHTTPConnection(
                responder: responder.serving(peer),
                address: IPv4Address(peer),
                isEncrypted: identity != nil
            )
        )
    }

    /// TLS, within the limits of handshakes.
    private func secure(_ channel: any Channel, _ peer: String, _ identity: ServerIdentity) throws {
        guard handshakeRate.take(peer), handshakes.enter(peer) else { throw ChannelError.ioOnClosedChannel }
        let watch = HandshakeWatch(within: limits.handshake) { [handshakes] in handshakes.leave(peer) }
        do {
            try channel.pipeline.syncOperations.addHandlers(NIOSSLServerHandler(context: identity.context), watch)
        } catch {
            handshakes.leave(peer)
            throw error
        }
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
