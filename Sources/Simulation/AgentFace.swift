import AgentWire
import Glibc
import HostModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The listener of all agents of the fleet: the address that was dialled says which host answers.
struct AgentFace: Sendable {
    let plan: FleetPlan
    let hosts: [SimulatedHost]
    let replies: HostReplies
    /// For hosts that show a certificate of nobody's.
    let stranger: NIOSSLContext

    /// Connections that wait to be accepted; an engine that restarts dials all hosts at once.
    private static let backlog: Int32 = 8192

    func listen() async throws -> any Channel {
        do {
            return try await bind()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw SimulationError("port \(plan.port) is taken, by another fleet or an agent; --port takes another")
        }
    }

    private func bind() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: Self.backlog)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try greet(channel) }
            }
            .bind(host: "0.0.0.0", port: Int(plan.port)).get()
    }

    /// Throws where nobody listens, which closes the connection.
    private func greet(_ channel: any Channel) throws {
        guard let text = channel.localAddress?.ipAddress, let address = IPv4Address(text),
            let number = plan.host(at: address)
        else { throw SimulationError("no host of the fleet") }
        let host = hosts[number]
        let (fault, own) = host.state.withLock { ($0.fault, $0.tls) }
        guard let own, fault != .absent else { throw SimulationError("nobody listens") }
        let tls = fault == .wrongCertificate ? stranger : own
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
        try channel.pipeline.syncOperations.addHandler(AgentFaceHandler(host, replies))
    }
}

/// One connection to one simulated agent: AgentWire's server session, heart-beats, and the host's fault.
private final class AgentFaceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let host: SimulatedHost
    private let replies: HostReplies
    private var decoder = StompDecoder()
    private var session = StompServerSession()
    private var timers: HeartBeatTimers?
    private var context: ChannelHandlerContext?

    init(_ host: SimulatedHost, _ replies: HostReplies) { (self.host, self.replies) = (host, replies) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        if timers != nil { host.state.withLock { $0.connections -= 1 } }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        timers?.received(at: .now)
        do {
            while let frame = try decoder.nextFrame() { receive(frame, context) }
        } catch {
            context.close(promise: nil)
        }
    }

    private func receive(_ frame: StompFrame, _ context: ChannelHandlerContext) {
        for action in session.receive(frame) {
            switch action {
            case .send(let frame): write(frame, context)
            case .agree(let beats):
                if timers == nil { host.state.withLock { $0.connections += 1 } }
                timers = HeartBeatTimers(agreed: beats, at: .now)
                beat()
            case .request(let request): answer(request, context)
            case .publish: break
            case .close: context.close(promise: nil)
            }
        }
    }

    private func answer(_ request: StompRequest, _ context: ChannelHandlerContext) {
        for call in RPCRequest.decode(request.body) {
            guard case .success(let call) = call else { continue }
            let (fault, number) = host.state.withLock { state in
                state.calls += 1
                return (state.fault, state.calls)
            }
            switch fault {
            case .silent: continue
            case .garbage:
                return context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 OK\n\n")), promise: nil)
            case .diesIn(let verb) where call.method.hasSuffix(verb): return context.close(promise: nil)
            case .slow(let milliseconds):
                let body = body(of: call, number, isRecovering: false)
                context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) { [weak self] in
                    guard let self, let context = self.context else { return }
                    self.send(body, for: request, context)
                }
            case .absent, .wrongCertificate, .recovering, .diesIn, nil:
                send(body(of: call, number, isRecovering: fault == .recovering), for: request, context)
            }
        }
    }

    /// The whole reply. The result is one that was written before, so that ten thousand hosts cost their engine and not
    /// this program.
    private func body(of call: RPCRequest, _ number: Int, isRecovering: Bool) -> ByteBuffer? {
        guard let id = call.id else { return nil }
        if isRecovering { return failure(.recovering, "Recovering from crash or Initializing", id) }
        guard let verb = HostVerb(rawValue: call.method) else { return failure(.methodNotFound, call.method, id) }
        let result: ByteBuffer?
        switch verb {
        case .getCapabilities: result = try? host.capabilities()
        case .setupNetworks:
            do { try host.setUp(call.params) } catch { return failure(error.code, error.message, id) }
            result = HostReplies.yes
        default: result = replies.result(of: verb, call: number)
        }
        guard let result, let text = try? JSONText.encode(id.json) else {
            return failure(.methodNotFound, "the simulator does not know \(call.method)", id)
        }
        var body = ByteBuffer()
        body.reserveCapacity(result.readableBytes + 64)
        body.writeString(#"{"id":"#)
        body.writeImmutableBuffer(text)
        body.writeString(#","jsonrpc":"2.0","result":"#)
        body.writeImmutableBuffer(result)
        body.writeString("}")
        return body
    }

    private func failure(_ code: RPCError.Code, _ message: String, _ id: RPCIdentifier) -> ByteBuffer? {
        try? RPCReply(id: id, outcome: .failure(RPCError(code, message))).encoded()
    }

    private func send(_ body: ByteBuffer?, for request: StompRequest, _ context: ChannelHandlerContext) {
        guard let body else { return }
        for frame in session.messages(to: request.replyTo, body: body) { write(frame, context) }
    }

    private func write(_ frame: StompFrame, _ context: ChannelHandlerContext) {
        var bytes = ByteBuffer()
        bytes.writeStompFrame(frame)
        timers?.sent(at: .now)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func beat() {
        guard let context, let due = timers?.due(at: .now) else { return }
        switch due {
        case .never: return
        case .drop: return context.close(promise: nil)
        case .beat:
            if host.state.withLock(\.fault) != .silent {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "\n")), promise: nil)
            }
            timers?.sent(at: .now)
            beat()
        case .wait(let instant):
            let pause = ContinuousClock.now.duration(to: instant)
            context.eventLoop.assumeIsolated().scheduleTask(in: .init(pause)) { [weak self] in self?.beat() }
        }
    }
}
