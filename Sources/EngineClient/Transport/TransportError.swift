/// Why a call got no answer. An answer with an error status is not one of these.
package enum TransportError: Error, Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable {
        /// TCP and TLS.
        case connecting
        /// Sending the call and waiting for all of the answer.
        case answering
    }

    /// The resolver does not know the host.
    case nameNotFound(host: String)
    /// Nobody listens there (ECONNREFUSED), or the socket does not exist (ENOENT).
    case refused(Endpoint)
    /// No way there, or no permission: the kernel's words.
    case unreachable(Endpoint, reason: String)
    case timedOut(Endpoint, Phase, seconds: Int)
    /// The peer proved to be somebody, but not whom we trust.
    case untrusted(Endpoint, reason: String, peer: CertificateChain)
    /// Any other failure of TLS: the peer speaks none, or refused our certificate.
    case tls(Endpoint, reason: String)
    /// The connection ended before the answer was complete.
    case closed(Endpoint, answerStarted: Bool)
    /// The answer is not HTTP/1.1.
    case malformed(Endpoint, reason: String)
    /// The answer is longer than the limit, in bytes.
    case oversized(Endpoint, limit: Int)
    /// The body to send failed to be read.
    case bodyFailed(reason: String)
    /// A setting of ours is unusable: a key that does not parse.
    case misconfigured(reason: String)
    case cancelled
}

extension TransportError: CustomStringConvertible {
    /// One sentence of cause, without a full stop.
    package var description: String {
        switch self {
        case .nameNotFound(let host): "no address is known for the name \(host)"
        case .refused(let endpoint): "nobody listens on \(endpoint)"
        case .unreachable(let endpoint, let reason): "\(endpoint) cannot be reached: \(reason)"
        case .timedOut(let endpoint, .connecting, let seconds): "\(endpoint) did not take the call within \(seconds) s"
        case .timedOut(let endpoint, .answering, let seconds): "\(endpoint) was silent for \(seconds) s"
        case .untrusted(let endpoint, let reason, _): "the certificate of \(endpoint) is not trusted: \(reason)"
        case .tls(let endpoint, let reason): "TLS with \(endpoint) failed: \(reason)"
        case .closed(let endpoint, false): "\(endpoint) closed the connection without an answer"
        case .closed(let endpoint, true): "\(endpoint) closed the connection in the middle of its answer"
        case .malformed(let endpoint, let reason): "\(endpoint) did not answer in HTTP/1.1: \(reason)"
        case .oversized(let endpoint, let limit): "the answer of \(endpoint) is longer than \(limit) bytes"
        case .bodyFailed(let reason): "the data to send could not be read: \(reason)"
        case .misconfigured(let reason): reason
        case .cancelled: "the call was cancelled"
        }
    }

    /// What to do about it, for a person.
    package var remedy: String? {
        switch self {
        case .nameNotFound: "check the spelling, or use the engine's IP address"
        case .refused: "check that the server runs there and listens on that port"
        case .unreachable: "check the network between here and there"
        case .timedOut: "check the network and a firewall in between, then try again"
        case .untrusted: "compare the fingerprint with the one that the engine's operator names"
        case .tls: "check that the port speaks TLS"
        case .closed: "try again; if it stays, read the server's log"
        case .malformed: "check that the port is the engine's"
        case .oversized: "ask for less at a time"
        case .bodyFailed, .misconfigured, .cancelled: nil
        }
    }
}
