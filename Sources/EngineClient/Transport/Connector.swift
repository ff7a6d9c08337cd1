import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Opens connections to one endpoint.
struct Connector: Sendable {
    let endpoint: Endpoint
    let trust: ServerTrust
    let limits: TransportLimits
    let group: any EventLoopGroup
    /// `nil` for clear HTTP and Unix sockets.
    private let tls: NIOSSLContext?

    init(
        _ endpoint: Endpoint,
        trust: ServerTrust,
        identity: ClientIdentity?,
        limits: TransportLimits,
        group: any EventLoopGroup
    ) throws(TransportError) {
        (self.endpoint, self.trust, self.limits, self.group) = (endpoint, trust, limits, group)
        guard case .https = endpoint else {
            tls = nil
            return
        }
        do {
            tls = try NIOSSLContext(configuration: try Self.configuration(identity))
        } catch {
            throw .misconfigured(reason: "the client certificate or its key is unusable")
        }
    }

    private static func configuration(_ identity: ClientIdentity?) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        // The callback decides alone, so the system's authorities are neither read nor asked.
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        if let identity {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificates.utf8))
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)
            )
        }
        return configuration
    }

    /// A server name that no host has: an engine that shows another certificate to browsers answers it with one of its own CA.
    static let ownCertificateName = "authority.muster.invalid"

    /// Whether a peer that was refused may have another certificate to show.
    var mayAskForOwnCertificate: Bool { trust != .any && tls != nil }

    /// A connection whose TCP part is established; TLS goes on while the first call is sent. `asksForOwn`: the engine is to
    /// show the certificate of its own CA.
    func connect(asksForOwn: Bool) async throws(TransportError) -> Connection {
        let peer = PeerRecord()
        let outcome = group.any().makePromise(of: (any Channel).self)
        let connecting = start(recording: peer, asksForOwn)
        connecting.cascade(to: outcome)
        do {
            let channel = try await withTaskCancellationHandler {
                try await outcome.futureResult.get()
            } onCancel: {
                connecting.whenSuccess { $0.close(promise: nil) }
                outcome.fail(TransportError.cancelled)
            }
            return Connection(channel: channel, endpoint: endpoint, peer: peer)
        } catch {
            throw TransportError(error, endpoint: endpoint, limits: limits, peer: peer)
        }
    }

    private func start(recording peer: PeerRecord, _ asksForOwn: Bool) -> EventLoopFuture<any Channel> {
        var bootstrap = ClientBootstrap(group: group)
            .connectTimeout(.seconds(Int64(limits.connectSeconds)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let handler = try securing(recording: peer, asksForOwn) { try pipeline.addHandler(handler) }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(ExchangeHandler())
                }
            }
        if let source = limits.sourceAddress.flatMap({ try? SocketAddress(ipAddress: $0, port: 0) }) {
            bootstrap = bootstrap.bind(to: source)
        }
        switch endpoint {
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        case .https(let host, let port), .http(let host, let port):
            // An address needs no resolver, and the smallest image has none.
            if let address = try? SocketAddress(ipAddress: host, port: port) { return bootstrap.connect(to: address) }
            return bootstrap.connect(host: host, port: port)
        }
    }

    /// The TLS handler that asks `ServerVerification`, and writes down whom it met.
    private func securing(recording peer: PeerRecord, _ asksForOwn: Bool) throws -> NIOSSLClientHandler? {
        guard let tls, case .https(let host, _) = endpoint else { return nil }
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let verification = ServerVerification(trust: trust, host: host, isAddress: isAddress)
        let name = asksForOwn ? Self.ownCertificateName : isAddress ? nil : host
        return try NIOSSLClientHandler(context: tls, serverHostname: name) { certificates, promise in
            promise.completeWithTask {
                let chain = CertificateChain(der: certificates.compactMap { try? $0.toDERBytes() })
                let refusal = await verification.refusal(of: chain)
                peer.record(chain, refusal: refusal)
                return refusal == nil ? .certificateVerified : .failed
            }
        }
    }
}
