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
    private let peer = Mutex<Fingerprint?>(nil)

    private static let path = "/ovirt-engine/services/muster-claim"

    private static let limits: TransportLimits = {
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds, limits.answerBytesMax) = (10, 30, 256 << 10)
        limits.idleConnectionsMax = 1
        return limits
    }()

    package init(_ engine: EngineAddress) {
        endpoint = .https(host: engine.host.rawValue, port: Int(engine.port))
    }

    package func claim(_ request: ClaimRequest) async -> Enrolment.Event {
        peer.withLock { $0 = nil }
        return await send(ClaimReply.self, .POST, Self.path, body: try? JSONEncoder().encode(request)) { .claimed($0) }
    }

    package func open(_ claim: UniqueID, _ nonce: Nonce) async -> Enrolment.Event {
        let body = try? JSONEncoder().encode(ClaimOpening(nonce: nonce))
        return await send(ClaimProgress.self, .POST, "\(Self.path)/\(claim)/nonce", body: body) { .progressed($0) }
    }

    /// `moved`: the address that the node has now, when it is not the one of its claim.
    package func poll(_ claim: UniqueID, moved: AddressNotice? = nil) async -> Enrolment.Event {
        let query = moved.map { "?\($0.query)" } ?? ""
        return await send(ClaimProgress.self, .GET, "\(Self.path)/\(claim)\(query)", body: nil) { .progressed($0) }
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
