import AgentWire
import Foundation
import HostModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import X509

/// Whom to dial, and who must answer.
struct AgentAddress: Hashable, Sendable {
    var host: UniqueID
    var address: String
    var port: Int
    /// SubjectPublicKeyInfo in DER of the approved key.
    var publicKey: Data
}

/// The engine's own credentials on every connection, and the limits that hold there. An object: every line to an agent has
/// it, and a copy is some kilobytes.
final class AgentDialer: Sendable {
    let authority: Certificate
    let context: NIOSSLContext
    let times: MonitoringTimes
    let tally: AgentTally
    /// See `AgentIdentityPolicy`.
    let acceptsExpired: Bool
    /// An engine that restarts dials all of its hosts at once, and without a gate all of them would be late together.
    private let gate = Turnstile(places: handshakes)

    /// Handshakes at a time; enough to keep every processor busy.
    private static let handshakes = 64
    /// How long one handshake may hold its place, in milliseconds; it goes on without it: a slow peer stops nobody.
    private static let holdMilliseconds: Int64 = 1000
    /// Bytes of one read. What an agent says in one breath is 8 KB; NIO's own buffers grow with that and stay so large, for
    /// each of ten thousand connections that then say nothing.
    private static let readMax = 4096

    init(
        authority: Certificate,
        identity: EngineIdentity,
        times: MonitoringTimes,
        tally: AgentTally = AgentTally(),
        acceptsExpired: Bool = false
    ) throws(EngineError) {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.certificateVerification = .noHostnameVerification
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.pem.utf8))
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.keyPEM.utf8), format: .pem)
            )
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw EngineError(.failed, "The engine's certificate cannot be used for TLS: \(error).")
        }
        (self.authority, self.times, self.tally, self.acceptsExpired) = (authority, times, tally, acceptsExpired)
    }

    /// Connects, proves the peer, and waits for STOMP's CONNECTED; all within the connection time-out.
    func connect(
        to target: AgentAddress,
        onNotification: @escaping @Sendable (RPCNotification) -> Void
    ) async throws(AgentFailure) -> AgentConnection {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let connected = loop.makePromise(of: Void.self)
        let verdict = PeerVerdict()
        let place = "\(target.address):\(target.port)"
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.milliseconds(times.connect))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readMax))
                .connect(host: target.address, port: target.port).get()
            await gate.enter()
            let alarm = loop.scheduleTask(in: .milliseconds(times.connect)) { channel.close(promise: nil) }
            defer { alarm.cancel() }
            try await withTaskCancellationHandler {
                try await handshake(on: channel, with: target, verdict, connected, onNotification)
            } onCancel: {
                channel.close(promise: nil)
            }
            return AgentConnection(channel: channel)
        } catch {
            connected.fail(error)
            if let reason = verdict.refusal { throw .wrongPeer("What answers at \(place) is refused: \(reason).") }
            let cause = (error as? AgentFailure)?.sentence ?? terminalEscaped("\(error)".prefix(300))
            throw .unreachable("No connection to the agent at \(place). \(cause)")
        }
    }

    /// From here on the channel speaks TLS and STOMP. Leaves the gate when that is done, or takes too long.
    private func handshake(
        on channel: any Channel,
        with target: AgentAddress,
        _ verdict: PeerVerdict,
        _ connected: EventLoopPromise<Void>,
        _ onNotification: @escaping @Sendable (RPCNotification) -> Void
    ) async throws {
        let gate = gate
        let isOver = channel.eventLoop.makePromise(of: Void.self)
        let patience = channel.eventLoop.scheduleTask(in: .milliseconds(Self.holdMilliseconds)) {
            isOver.succeed()
        }
        connected.futureResult.whenComplete { _ in
            patience.cancel()
            isOver.succeed()
        }
        isOver.futureResult.whenComplete { _ in Task { await gate.leave() } }
        do {
            try await channel.eventLoop.submit { [self] in
                // A peer that hung up meanwhile told nobody: there was no handler yet.
                guard channel.isActive else { throw AgentFailure.closed("The agent closed the connection.") }
                let operations = channel.pipeline.syncOperations
                let session = AgentSession(connected: connected, onNotification: onNotification)
                try operations.addHandler(session)
                try operations.addHandler(try tls(for: target, verdict), position: .first)
                session.open()
            }.get()
        } catch {
            connected.fail(error)
        }
        try await connected.futureResult.get()
    }

    private func tls(for target: AgentAddress, _ verdict: PeerVerdict) throws -> NIOSSLClientHandler {
        let policy = AgentIdentityPolicy(
            host: target.host,
            publicKey: target.publicKey,
            acceptsExpired: acceptsExpired
        )
        let authority = authority
        return try NIOSSLClientHandler(context: context, serverHostname: nil) { presented, promise in
            promise.completeWithTask {
                let refusal = await policy.refusal(of: presented, authority: authority)
                verdict.refusal = refusal
                return refusal == nil ? .certificateVerified : .failed
            }
        }
    }
}

/// Carries the reason of a refused peer out of the TLS handshake.
private final class PeerVerdict: Sendable {
    private let reason = Mutex<String?>(nil)

    var refusal: String? {
        get { reason.withLock(\.self) }
        set { reason.withLock { $0 = newValue } }
    }
}

/// One live connection to one agent. Calls may overlap.
struct AgentConnection: Sendable {
    private let channel: any Channel

    init(channel: any Channel) { self.channel = channel }

    var isOpen: Bool { channel.isActive }

    /// Calls a verb and waits for its answer, which comes as JSON text that nobody has read yet. Cancelling the task closes
    /// the connection.
    func ask(
        _ verb: HostVerb,
        _ params: JSONValue = .object([:]),
        timeout milliseconds: Int64,
        correlation: String? = nil
    ) async throws(AgentFailure) -> ByteBuffer {
        let (channel, promise) = (channel, channel.eventLoop.makePromise(of: ByteBuffer.self))
        channel.eventLoop.execute {
            guard let session = try? channel.pipeline.syncOperations.handler(type: AgentSession.self) else {
                return promise.fail(AgentFailure.closed("The connection is closed."))
            }
            session.call(
                verb.rawValue,
                params,
                timeout: .milliseconds(milliseconds),
                correlation: correlation,
                promise: promise
            )
        }
        do {
            return try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let failure as AgentFailure {
            throw failure
        } catch {
            throw .closed("The connection to the agent broke: \(error).")
        }
    }

    func close() { channel.close(promise: nil) }
}
