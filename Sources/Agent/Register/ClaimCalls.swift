import EngineClient
import FoundationEssentials
package import HostModel
import NIOCore
import NIOHTTP1
import Synchronization

/// The three calls of the claim protocol over HTTPS. Every outcome becomes an event of the enrolment.
///
/// The first call of a claim takes any server, since the approval code covers the CA in its answer; the later ones only
/// the server whose certificate the first one saw, so that the nonce is opened to nobody else.
package final class ClaimCalls: Sendable {
    private let endpoint: Endpoint
    private let identity: NodeIdentity
    private let peer = Mutex<Fingerprint?>(nil)

    private static let path = "/ovirt-engine/services/muster-claim"

    private static let limits: TransportLimits = {
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds, limits.answerBytesMax) = (10, 30, 256 << 10)
        limits.idleConnectionsMax = 1
        return limits
    }()

    /// `peer` is the server's certificate that the claim's first call saw, when that was in an earlier run.
    package init(_ engine: EngineAddress, identity: NodeIdentity, peer: String? = nil) {
        endpoint = .https(host: engine.host.rawValue, port: Int(engine.port))
        self.identity = identity
        self.peer.withLock { $0 = peer.flatMap { Fingerprint($0) } }
    }

    /// The certificate of the server that the calls go to, as 64 hex digits; `nil` before the first answer.
    package var pinnedPeer: String? { peer.withLock { $0?.hex } }

    package func claim(_ request: ClaimRequest) async -> Enrolment.Event {
        peer.withLock { $0 = nil }
        return await send(ClaimReply.self, .POST, Self.path, body: try? JSONEncoder().encode(request)) { .claimed($0) }
    }

    package func open(_ claim: UniqueID, _ nonce: Nonce) async -> Enrolment.Event {
        let body = try? JSONEncoder().encode(ClaimOpening(nonce: nonce))
        return await send(ClaimProgress.self, .POST, "\(Self.path)/\(claim)/nonce", body: body) { .progressed($0) }
    }

    /// `address` is where the node is reached now, which a new lease may have changed since the claim; `nil` says nothing.
    package func poll(_ claim: UniqueID, address: IPv4Address?) async -> Enrolment.Event {
        let notice = address.flatMap { identity.notice(of: $0, for: claim) }
        let path = "\(Self.path)/\(claim)" + (notice.map { "?\($0.query)" } ?? "")
        return await send(ClaimProgress.self, .GET, path, body: nil) { .progressed($0) }
    }

    private func send<Answer: Decodable>(
        _ type: Answer.Type,
        _ method: HTTPMethod,
        _ path: String,
        body: Data?,
        as event: (Answer) -> Enrolment.Event
    ) async -> Enrolment.Event {
        let answer: HTTPAnswer
        do throws(TransportError) {
            let pinned = peer.withLock { $0 }
            let transport = try HTTPTransport(endpoint, trust: pinned.map { .pinned($0) } ?? .any, limits: Self.limits)
            defer { transport.close() }
            let call = body.map { HTTPCall.post(path, ByteBuffer(bytes: $0)) } ?? HTTPCall(method, path)
            answer = try await transport.send(call)
        } catch {
            return .failed(Self.failure(error))
        }
        guard answer.isSuccess else { return Self.refusal(answer) }
        if let leaf = answer.peer.fingerprints.first { peer.withLock { $0 = $0 ?? leaf } }
        guard let value = try? JSONDecoder().decode(type, from: Data(answer.body.readableBytesView)) else {
            return .failed(.protocolViolation)
        }
        return event(value)
    }

    private static func failure(_ error: TransportError) -> CallFailure {
        if case .untrusted = error { return .peerChanged }
        return .transport(reason: "\(error)", remedy: error.remedy)
    }

    private static func refusal(_ answer: HTTPAnswer) -> Enrolment.Event {
        struct Envelope: Decodable {
            var fault: FaultResource
        }
        let after = answer.headers.first(name: "Retry-After").flatMap { Int($0) }
        guard
            let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(answer.body.readableBytesView))
        else {
            let reason = "the server answered \(answer.status)"
            return .failed(.transport(reason: reason, remedy: CallFailure.protocolViolation.remedy), after: after)
        }
        return .failed(.refused(status: answer.status, envelope.fault), after: after)
    }
}
