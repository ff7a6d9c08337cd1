package import EngineClient
import FoundationEssentials
package import HostModel
import NIOCore
import NIOHTTP1
import Synchronization

/// The engine's `BootDirectory` over HTTP and JSON, on a Unix socket, or over mutual TLS from another segment
/// (docs/protocols.md, section 2).
///
/// No answer is ever kept here: a machine that was denied a second ago must not boot by an older answer. Reservations are
/// kept, because an address that a machine had yesterday does no harm while the engine restarts. What a boot server on
/// another segment keeps for the time in which its engine is away is the affair of `SegmentBootDirectory`.
package final class RemoteBootDirectory: BootDirectory {
    /// Calls on their way at once, each on a connection of its own, which is kept open: a rack costs the engine no more TLS
    /// handshakes than that. More wait for their turn.
    package static let callsMax = 32
    /// Calls that wait; one more pushes out the one that waits longest, and its machine asks again. A rack's worth, each twice.
    package static let waitingMax = 2048
    /// How long they do, in seconds.
    package static let waitSeconds = 2
    /// The longest silence of the engine in one call, in seconds.
    package static let answerSeconds = 2
    /// The longest answer, in bytes: 10,000 reservations are about 1 MB.
    package static let answerBytesMax = 4 << 20

    /// Why the engine gave no answer.
    package enum Failure: Error, Hashable, Sendable {
        case unreachable(TransportError)
        case refused(status: Int, detail: String)
        /// The answer is not the JSON that was promised.
        case malformed(call: String, reason: String)
        case tooManyCalls(waiting: Int)
    }

    /// Another one after each renewal of this boot server's certificate.
    private let transport: Mutex<HTTPTransport>
    private let calls: CallQueue
    private let lastReservations = Mutex<[AddressReservation]?>(nil)

    /// Opens nothing yet. The path is the engine's socket, `/run/muster/boot.sock`.
    package init(socketPath: String) throws(TransportError) {
        var limits = TransportLimits()
        limits.connectSeconds = Self.answerSeconds
        limits.readSeconds = Self.answerSeconds
        limits.answerBytesMax = Self.answerBytesMax
        limits.idleConnectionsMax = Self.callsMax
        calls = CallQueue(places: Self.callsMax, waitingMax: Self.waitingMax)
        transport = Mutex(try HTTPTransport(.unix(path: socketPath), trust: .any, limits: limits))
    }

    /// Seconds for TCP and TLS, and the longest silence, from another segment.
    package static let (segmentConnectSeconds, segmentAnswerSeconds) = (3, 5)

    /// The engine's web listener, from another segment. Opens nothing yet.
    package init(_ endpoint: Endpoint, membership: SegmentMembership) throws(TransportError) {
        calls = CallQueue(places: Self.callsMax, waitingMax: Self.waitingMax)
        transport = Mutex(try Self.transport(endpoint, membership))
    }

    private static func transport(
        _ endpoint: Endpoint,
        _ membership: SegmentMembership
    ) throws(TransportError) -> HTTPTransport {
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds) = (segmentConnectSeconds, segmentAnswerSeconds)
        limits.answerBytesMax = 2 * answerBytesMax
        limits.idleConnectionsMax = callsMax
        let authority = CertificateChain(pem: membership.authority.pem) ?? CertificateChain(der: [])
        return try HTTPTransport(endpoint, trust: .engine(authority), identity: membership.identity, limits: limits)
    }

    /// From now on the calls show this certificate.
    func renew(_ membership: SegmentMembership) throws(TransportError) {
        let endpoint = transport.withLock(\.endpoint)
        let next = try Self.transport(endpoint, membership)
        let former = transport.withLock { transport in
            defer { transport = next }
            return transport
        }
        former.close()
    }

    /// Closes the kept connections.
    package func close() { transport.withLock { $0 }.close() }

    package func answer(_ request: BootRequest) async throws -> BootAnswer {
        // Asking twice changes nothing, so the call may go over a kept connection.
        try decode(try await post("/boot/answer", request, isIdempotent: true), from: "/boot/answer")
    }

    package func record(_ events: [BootEvent]) async throws {
        _ = try await post("/boot/events", events, isIdempotent: false)
    }

    package func report(status: BootStatus) async throws {
        _ = try await post("/boot/status", status, isIdempotent: true)
    }

    package func reservations() async throws -> [AddressReservation] {
        do {
            let body = try await send(.get("/boot/reservations"))
            let reservations: [AddressReservation] = try decode(body, from: "/boot/reservations")
            lastReservations.withLock { $0 = reservations }
            return reservations
        } catch {
            guard let last = lastReservations.withLock({ $0 }) else { throw error }
            return last
        }
    }

    // None of these may be sent twice over a kept connection: each makes or spends a token.

    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        let path = "/boot/arrival"
        return try decode(try await post(path, request, isIdempotent: false), from: path)
    }

    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        let path = "/boot/kickstart/ticket"
        return try decode(try await post(path, request, isIdempotent: false), from: path)
    }

    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        let path = "/boot/kickstart/fetch"
        return try decode(try await post(path, fetch, isIdempotent: false), from: path)
    }

    package func report(_ report: InstallReport) async throws -> InstallReportAnswer {
        let path = "/boot/kickstart/report"
        return try decode(try await post(path, report, isIdempotent: false), from: path)
    }

    // What only boot servers on other segments ask.

    /// As `reservations`, but never from memory.
    func freshReservations() async throws -> [AddressReservation] {
        try decode(try await send(.get("/boot/reservations")), from: "/boot/reservations")
    }

    /// This boot server's certificate, PEM, leaf first.
    func certificate() async throws -> String {
        let answer: BootCertificate = try decode(try await send(.get("/boot/certificate")), from: "/boot/certificate")
        return answer.certificate
    }

    func manifest(_ image: String, _ version: String) async throws -> ImageManifest {
        let path = "/boot/images/\(image)/\(version)"
        return try decode(try await send(.get(path)), from: path)
    }

    /// Bytes of an image's file from `offset` on, as many as the engine gives at once, at most up to `end`.
    func piece(
        _ image: String,
        _ version: String,
        _ file: String,
        from offset: Int64,
        upTo end: Int64?
    ) async throws(Failure) -> ByteBuffer {
        let range = "bytes=\(offset)-\(end.map { String($0 - 1) } ?? "")"
        return try await send(.get("/boot/images/\(image)/\(version)/\(file)", headers: ["Range": range]))
    }

    private func post(_ path: String, _ value: some Encodable, isIdempotent: Bool) async throws -> ByteBuffer {
        var call = HTTPCall.post(path, ByteBuffer(bytes: try JSONEncoder().encode(value)))
        call.isIdempotent = isIdempotent
        return try await send(call)
    }

    private func send(_ call: HTTPCall) async throws(Failure) -> ByteBuffer {
        guard await calls.enter(within: .seconds(Self.waitSeconds)) else { throw .tooManyCalls(waiting: calls.pending) }
        defer { calls.leave() }
        let answer: HTTPAnswer
        do {
            answer = try await transport.withLock { $0 }.send(call)
        } catch {
            throw .unreachable(error)
        }
        guard answer.isSuccess else {
            throw .refused(status: answer.status, detail: Self.reason(answer))
        }
        return answer.body
    }

    /// The sentence of a refusal, escaped.
    static func reason(_ answer: HTTPAnswer) -> String {
        let fault = try? JSONDecoder().decode(Fault.self, from: Data(answer.body.readableBytesView)).fault
        return terminalEscaped(fault?.detail ?? "status \(answer.status), no reason given")
    }

    private func decode<Value: Decodable>(_ body: ByteBuffer, from call: String) throws(Failure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(body.readableBytesView))
        } catch {
            throw .malformed(call: call, reason: terminalEscaped("\(error)"))
        }
    }

    private struct Fault: Decodable {
        var fault: FaultResource
    }
}

extension RemoteBootDirectory.Failure: CustomStringConvertible {
    /// One sentence of cause, without a full stop.
    package var description: String {
        switch self {
        case .unreachable(let error): error.description
        case .refused(let status, let detail): "the engine refused with status \(status): \(detail)"
        case .malformed(let call, let reason): "the engine's answer to \(call) is malformed: \(reason)"
        case .tooManyCalls(let waiting): "its turn to ask the engine did not come in time: \(waiting) calls wait"
        }
    }
}
