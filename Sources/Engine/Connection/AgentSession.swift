import AgentWire
import HostModel
import NIOCore

/// The channel handler of one connection to an agent: STOMP frames in and out, calls matched with their replies,
/// heart-beats. Lives on its event loop; `AgentConnection` is its face to the rest of the engine.
final class AgentSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Calls under way on one connection.
    static let callsMax = 64
    /// The heart-beat that the engine asks for, in milliseconds (vdsHeartbeatInSeconds, halved as oVirt does).
    static let heartBeat = HeartBeat(canSend: 5000, wants: 15_000)

    private struct Call {
        var promise: EventLoopPromise<ByteBuffer>
        var timeout: Scheduled<Void>
    }

    private let stomp: StompClientSession
    private let connected: EventLoopPromise<Void>
    private let onNotification: @Sendable (RPCNotification) -> Void
    private var decoder = StompDecoder()
    private var calls: [RPCIdentifier: Call] = [:]
    private var nextCall: Int64 = 1
    private var timers: HeartBeatTimers?
    private var ending: AgentFailure?
    private var context: ChannelHandlerContext?

    init(connected: EventLoopPromise<Void>, onNotification: @escaping @Sendable (RPCNotification) -> Void) {
        let replies = StompDestination(rawValue: "\(StompDestination.responses.rawValue).\(UniqueID.random())")
        stomp = StompClientSession(replyTo: replies, heartBeat: Self.heartBeat)
        (self.connected, self.onNotification) = (connected, onNotification)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Subscribes and says CONNECT, on a connection that stands. TLS holds these frames back until the peer has proved who
    /// it is.
    func open() {
        guard let context else { return }
        for frame in stomp.opening() { write(frame, to: context) }
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        timers?.received(at: .now)
        decoder.append(unwrapInboundIn(data))
        do {
            while ending == nil, let frame = try decoder.nextFrame() { receive(frame, context: context) }
        } catch {
            end(.malformed("The agent's answer is not STOMP: \(error)."), context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.closed("The connection to the agent broke: \(terminalEscaped("\(error)".prefix(300)))."), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(with: ending ?? .closed("The agent closed the connection."))
        context.fireChannelInactive()
    }

    /// Sends a call; the promise gets the result as it came, or an `AgentFailure`.
    func call(
        _ method: String,
        _ params: JSONValue,
        timeout: TimeAmount,
        correlation: String?,
        promise: EventLoopPromise<ByteBuffer>
    ) {
        guard let context, ending == nil else { return promise.fail(ending ?? .closed("The connection is closed.")) }
        guard calls.count < Self.callsMax else { return promise.fail(AgentFailure.closed("Too many calls at once.")) }
        let id = RPCIdentifier.string(String(nextCall))
        nextCall += 1
        guard let body = try? RPCRequest(id: id, method: method, params: params).encoded() else {
            return promise.fail(AgentFailure.malformed("The call \(method) cannot be written as JSON."))
        }
        let alarm = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            guard let call = self?.calls.removeValue(forKey: id) else { return }
            let seconds = timeout.nanoseconds / 1_000_000_000
            call.promise.fail(AgentFailure.timedOut("The agent did not answer \(method) within \(seconds) seconds."))
        }
        calls[id] = Call(promise: promise, timeout: alarm)
        write(stomp.send(body, correlation: correlation), to: context)
        context.flush()
    }

    private func receive(_ frame: StompFrame, context: ChannelHandlerContext) {
        switch stomp.receive(frame) {
        case .connected where timers != nil:
            end(.malformed("The agent says CONNECTED twice."), context: context)
        case .connected(let agreed):
            timers = HeartBeatTimers(agreed: agreed, at: .now)
            beat(context: context)
            connected.succeed()
        case .message(_, let body): receive(body)
        case .refused(let sentence):
            end(.closed("The agent refused a frame: \(terminalEscaped(sentence.prefix(300)))."), context: context)
        case .receipt, nil: break
        }
    }

    private func receive(_ body: ByteBuffer) {
        // A message that is neither reply nor notification belongs to no call; the call's own time-out ends it.
        guard let incoming = try? RPCAnswer.decode(body) else { return }
        switch incoming {
        case .notification(let notification): onNotification(notification)
        case .reply(let id, let outcome):
            guard let id, let call = calls.removeValue(forKey: id) else { return }
            call.timeout.cancel()
            switch outcome {
            case .success(let result): call.promise.succeed(result)
            case .failure(let error): call.promise.fail(AgentFailure.refused(error))
            }
        }
    }

    private func beat(context: ChannelHandlerContext) {
        guard let due = timers?.due(at: .now), ending == nil else { return }
        switch due {
        case .never: return
        case .drop: return end(.closed("The agent fell silent."), context: context)
        case .beat:
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "\n")), promise: nil)
            timers?.sent(at: .now)
            beat(context: context)
        case .wait(let instant):
            let pause = ContinuousClock.now.duration(to: instant)
            context.eventLoop.assumeIsolated().scheduleTask(in: .init(pause)) { [weak self] in
                guard let self, let context = self.context else { return }
                self.beat(context: context)
            }
        }
    }

    private func write(_ frame: StompFrame, to context: ChannelHandlerContext) {
        var bytes = context.channel.allocator.buffer(capacity: 256 + frame.body.readableBytes)
        bytes.writeStompFrame(frame)
        context.write(wrapOutboundOut(bytes), promise: nil)
        timers?.sent(at: .now)
    }

    private func end(_ failure: AgentFailure, context: ChannelHandlerContext) {
        if ending == nil { ending = failure }
        context.close(promise: nil)
    }

    private func finish(with failure: AgentFailure) {
        ending = failure
        connected.fail(failure)
        let calls = calls.values
        self.calls = [:]
        for call in calls {
            call.timeout.cancel()
            call.promise.fail(failure)
        }
    }
}
