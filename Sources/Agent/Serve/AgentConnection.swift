import AgentWire
import HostModel
import Logging
import NIOCore
import NIOSSL

/// One TLS connection to the agent, from its first byte to its last.
struct AgentConnection {
    typealias Wire = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let wire: Wire
    /// The connection's number in `admission`, and when TLS has come about.
    let place: Int
    let handshake: EventLoopFuture<Void>
    let admission: Admission
    let hub: StompHub
    let verbs: HostVerbs
    let own: [UInt8]
    let lines: RepeatedLines
    let logger: Logger

    /// The first frame must have come by then (ovirt.md 5.1).
    private static let firstFrameSeconds: Int64 = 10
    /// Calls of one connection that run at once: the engine's polls go on while a change runs.
    private static let callsMax = 16
    /// How often heart-beats are looked at.
    private static let beatGrain: Duration = .milliseconds(500)

    struct Refused: Error { var reason: String }

    func run() async {
        do {
            try await wire.executeThenClose { inbound, outbound in
                try await handshake.get()
                let caller = try await caller()
                guard admission.authenticate(place) else { return }
                var bytes = inbound.makeAsyncIterator()
                guard let first = try await firstBytes(&bytes) else { return }
                try await converse(first, &bytes, outbound, caller)
            }
        } catch let refused as Refused {
            lines.write(.warning, "refused a connection", peer: peer, reason: refused.reason)
        } catch {
            lines.write(.info, "a connection ended", peer: peer, reason: terminalEscaped("\(error)"))
        }
    }

    private var peer: String { wire.channel.remoteAddress?.ipAddress ?? "?" }

    /// Waits for the first bytes, and lets only STOMP pass.
    private func firstBytes(
        _ bytes: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> ByteBuffer? {
        let channel = wire.channel
        let timeout = channel.eventLoop.scheduleTask(in: .seconds(Self.firstFrameSeconds)) {
            channel.close(promise: nil)
        }
        defer { timeout.cancel() }
        var first = ByteBuffer()
        while true {
            switch StompDetector.verdict(on: first.readableBytesView) {
            case .unknown: throw Refused(reason: "not STOMP")
            case .stomp: return first
            case .needsMore: break
            }
            guard let more = try await bytes.next() else { return nil }
            first.writeImmutableBuffer(more)
        }
    }

    private func caller() async throws -> HostVerbs.Caller {
        let channel = wire.channel
        guard let certificate = try await channel.nioSSL_peerCertificate().get() else {
            throw Refused(reason: "no certificate")
        }
        guard let role = PeerRole(certificate: try certificate.toDERBytes(), own: own, remote: channel.remoteAddress)
        else { throw Refused(reason: "its certificate is not the engine's") }
        let text = channel.localAddress?.ipAddress ?? ""
        let plain = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
        return HostVerbs.Caller(role: role, localAddress: IPv4Address(plain))
    }

    private func converse(
        _ first: ByteBuffer,
        _ bytes: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ caller: HostVerbs.Caller
    ) async throws {
        let (frames, outbox) = AsyncStream.makeStream(
            of: ByteBuffer.self,
            bufferingPolicy: .bufferingOldest(StompHub.outboxMax)
        )
        let id = hub.join(outbox)
        defer { hub.leave(id) }
        let channel = wire.channel
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await frame in frames { try await outbound.write(frame) }
                // Also when the hub cut off a peer that does not read.
                channel.close(promise: nil)
            }
            group.addTask { [hub] in try await Self.keepBeating(hub, id, channel) }
            try await read(first, &bytes, id, caller)
            outbox.finish()
            try await group.next()
            group.cancelAll()
        }
    }

    private static func keepBeating(_ hub: StompHub, _ id: Int, _ channel: any Channel) async throws {
        while true {
            switch hub.beat(id) {
            case .drop: return channel.close(promise: nil)
            case .beat: continue
            case .wait(let instant): try await Task.sleep(until: min(instant, .now + beatGrain))
            case .never: try await Task.sleep(for: beatGrain)
            }
        }
    }

    /// Reads until the peer leaves. Calls run beside each other, and their answers go to whoever subscribed to them.
    private func read(
        _ first: ByteBuffer,
        _ bytes: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ id: Int,
        _ caller: HostVerbs.Caller
    ) async throws {
        var decoder = StompDecoder()
        decoder.append(first)
        let slots = Slots(Self.callsMax)
        await withDiscardingTaskGroup { calls in
            do {
                while true {
                    while let frame = try decoder.nextFrame() {
                        let (requests, isOpen) = hub.receive(frame, from: id)
                        for request in requests { start(request, caller, slots, &calls) }
                        guard isOpen else { return }
                    }
                    guard let more = try await bytes.next() else { break }
                    hub.heard(id)
                    decoder.append(more)
                }
            } catch let error as StompError {
                logger.warning("refused a frame", metadata: ["peer": "\(peer)", "reason": "\(error)"])
                hub.send(.error("\(error)"), to: id)
            } catch {
                logger.info("a connection broke: \(terminalEscaped("\(error)"))", metadata: ["peer": "\(peer)"])
            }
            // Nobody is left to hear the answers of this connection; what `apply` does goes on.
            calls.cancelAll()
        }
    }

    private func start(
        _ request: StompRequest,
        _ caller: HostVerbs.Caller,
        _ slots: Slots,
        _ calls: inout DiscardingTaskGroup
    ) {
        for call in RPCRequest.decode(request.body) {
            switch call {
            case .failure(let refusal): reply(refusal.reply, to: request)
            case .success(let call):
                guard slots.take() else {
                    reply(
                        RPCReply(id: call.id, outcome: .failure(RPCError(.exhausted, "Too many calls at once"))),
                        to: request
                    )
                    continue
                }
                calls.addTask {
                    defer { slots.give() }
                    if let answer = await verbs.answer(call, for: caller) { send(answer, to: request) }
                }
            }
        }
    }

    private func reply(_ reply: RPCReply, to request: StompRequest) {
        guard let body = try? reply.encoded() else { return }
        send(body, to: request)
    }

    private func send(_ body: ByteBuffer, to request: StompRequest) {
        if !hub.publish(body, to: request.replyTo) {
            logger.warning(
                "nobody waits for the answer",
                metadata: ["destination": "\(terminalEscaped(request.replyTo.rawValue))"]
            )
        }
    }
}
