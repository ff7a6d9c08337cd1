import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#endif

extension TransportError {
    /// Says in our words what NIO's layers threw.
    init(_ error: any Error, endpoint: Endpoint, limits: TransportLimits, peer: PeerRecord) {
        if let refusal = peer.refusal {
            self = .untrusted(endpoint, reason: refusal, peer: peer.chain)
            return
        }
        switch error {
        case let error as TransportError: self = error
        case let error as ExchangeHandler.Failure: self.init(error, endpoint: endpoint, limits: limits)
        case let error as NIOConnectionError: self.init(error, endpoint: endpoint, limits: limits, peer: peer)
        case ChannelError.connectTimeout:
            self = .timedOut(endpoint, .connecting, seconds: limits.connectSeconds)
        case is ChannelError: self = .closed(endpoint, answerStarted: false)
        case HTTPParserError.invalidEOFState: self = .closed(endpoint, answerStarted: true)
        case let error as HTTPParserError: self = .malformed(endpoint, reason: "\(error)")
        case NIOSSLError.uncleanShutdown: self = .closed(endpoint, answerStarted: true)
        case NIOSSLError.handshakeFailed(let error): self = .tls(endpoint, reason: "\(error)")
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: self = .tls(endpoint, reason: "\(error)")
        case let error as IOError: self.init(error, endpoint: endpoint)
        case is CancellationError: self = .cancelled
        default: self = .unreachable(endpoint, reason: "\(error)")
        }
    }

    private init(_ failure: ExchangeHandler.Failure, endpoint: Endpoint, limits: TransportLimits) {
        switch failure {
        case .closed(let answerStarted): self = .closed(endpoint, answerStarted: answerStarted)
        case .oversized: self = .oversized(endpoint, limit: limits.answerBytesMax)
        case .silent: self = .timedOut(endpoint, .answering, seconds: limits.readSeconds)
        case .unexpected: self = .malformed(endpoint, reason: "it sent more than was asked for")
        }
    }

    /// The first address's failure stands for all; without one, no address was found.
    private init(_ error: NIOConnectionError, endpoint: Endpoint, limits: TransportLimits, peer: PeerRecord) {
        guard let first = error.connectionErrors.first else {
            self = .nameNotFound(host: error.host)
            return
        }
        self.init(first.error, endpoint: endpoint, limits: limits, peer: peer)
    }

    private init(_ error: IOError, endpoint: Endpoint) {
        switch error.errnoCode {
        case ECONNREFUSED, ENOENT: self = .refused(endpoint)
        case ECONNRESET, EPIPE: self = .closed(endpoint, answerStarted: false)
        default: self = .unreachable(endpoint, reason: String(cString: strerror(error.errnoCode)))
        }
    }
}
