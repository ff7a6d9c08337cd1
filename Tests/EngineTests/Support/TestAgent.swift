import AgentWire
import Crypto
import Fencing
import HostModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An agent that answers real frames over real TLS: AgentWire's server session on a loopback port. What it answers is
/// kept in `state`, which tests change.
final class TestAgent: Sendable {
    struct State {
        var certificate: String?
        var authority = ""
        var capabilities = TestAgent.freshHost
        var calls: [String] = []
        /// How the next `setupNetworks` ends.
        var setup = Setup.works
        /// The parameters of every `setupNetworks`.
        var setups: [JSONValue] = []
        var isRecovering = false
        var saysConnectedTwice = false
        var isSafe = false
        /// A change is under way; it is kept once the engine is heard and taken back when its time is over.
        var change: Change?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var lastCertificate: String?
        /// Verbs that get no answer.
        var mute: Set<String> = []
        /// Verbs that an older agent does not know.
        var unknown: Set<String> = []
        /// Capabilities that this engine has never heard of.
        var further: [String: JSONValue] = [:]
        /// What the agent tells before its next answer.
        var news: RPCNotification?
        var node = TestNodeDisks()
        /// Guests that run.
        var guests = 0
        /// What its statistics say of links: whether they are up.
        var links: [String: Bool] = [:]
        /// Runs fence agents for other hosts, as a node does.
        var fencing: FenceAgents?
        /// Knows no `Host.renewCertificate`, as an older agent.
        var refusesRenewal = false
        /// Whether it says that a change is under way, as ours does and VDSM does not.
        var saysChanging = false
    }

    /// A change between its first step and its end, as the real agent has it: the network shows already, calls that
    /// change something are refused with code 40.
    struct Change {
        var before: HostCapabilities
        var reply: EventLoopPromise<Result<JSONValue, RPCError>>?
        /// Looks at the capabilities that still show a bridge without an owner.
        var looksUnowned: Int
    }

    enum Setup {
        case works
        /// The connection breaks before the answer, as when the address moves; the network stays only because the engine
        /// is heard again over another connection.
        case breaksUntilConfirmed
        /// So long the bridge is there and nobody owns it yet.
        case unowned(looks: Int)
        case fails(RPCError)
        /// Rolled back: the engine was not heard.
        case lost
        /// The connection breaks, and the change is rolled back before the engine is there again.
        case breaksAndIsTakenBack
    }

    let key: P256.Signing.PrivateKey
    let state = Mutex(State())
    private let (changes, change) = AsyncStream.makeStream(of: Void.self)
    /// The newest only: who does not wait does not keep them.
    let (asked, ask) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
    private let group = MultiThreadedEventLoopGroup.singleton
    private let listener: any Channel

    var port: UInt16 { UInt16(listener.localAddress?.port ?? 0) }

    init(key: P256.Signing.PrivateKey) async throws {
        self.key = key
        let holder = AgentHolder()
        listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let agent = holder.agent, let tls = try agent.tls() else { throw Missing() }
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    try channel.pipeline.syncOperations.addHandler(TestAgentHandler(agent))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        holder.agent = self
    }

    func stop() async throws { try await listener.close() }

    /// Gets its certificate, as a node does after the approval.
    func trust(certificate: String?, authority: String) {
        state.withLock { ($0.certificate, $0.lastCertificate, $0.authority) = (certificate, certificate, authority) }
    }

    func restoreCertificate() { state.withLock { $0.certificate = $0.lastCertificate } }

    func breakConnections() {
        for channel in state.withLock({ Array($0.connections.values) }) { channel.close(promise: nil) }
    }

    /// Returns when the connections that are open now are closed.
    func waitUntilDisconnected() async throws {
        for channel in state.withLock({ Array($0.connections.values) }) { try await channel.closeFuture.get() }
    }

    private func tls() throws -> NIOSSLContext? {
        let (certificate, authority) = state.withLock { ($0.certificate, $0.authority) }
        guard let certificate else { return nil }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        )
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        configuration.certificateVerification = .noHostnameVerification
        return try NIOSSLContext(configuration: configuration)
    }

    /// A host with one NIC that has its address by DHCP, and KVM.
    static var freshHost: HostCapabilities {
        var host = HostCapabilities()
        var address = AddressReport()
        (address.addr, address.netmask, address.dhcpv4) = ("127.0.0.1", "255.0.0.0", true)
        (address.gateway, address.ipv4addrs) = ("127.0.0.254", ["127.0.0.1/8"])
        host.nics["eth0"] = NICReport(hwaddr: "52:54:00:00:00:01", speed: 1000, address: address)
        (host.lastClientIface, host.kvmEnabled) = ("eth0", "true")
        (host.cpuModel, host.memSize) = ("Test CPU", "4096")
        (host.cpuFlags, host.rngSources) = ("lm,nx,sse2,svm,model_qemu64,model_kvm64", ["random"])
        (host.supportedENGINEs, host.clusterLevels) = (["4.4", "4.5"], ["4.6", "4.7"])
        host.selinux = .init(mode: "1")
        return host
    }

    func calls() -> [String] { state.withLock(\.calls) }
    var isChanging: Bool { state.withLock { $0.change != nil } }
    var hasManagementNetwork: Bool { state.withLock { $0.capabilities.networks["ovirtmgmt"] != nil } }

    /// Returns when a `setupNetworks` has begun.
    func waitForChange() async { for await _ in changes { return } }

    var node: TestNodeDisks { state.withLock(\.node) }
    var isSafe: Bool { state.withLock(\.isSafe) }
    func change(_ body: (inout sending State) -> Void) { state.withLock { body(&$0) } }
}

/// The listener needs the agent that owns it.
private final class AgentHolder: Sendable {
    private let box = Mutex<TestAgent?>(nil)
    var agent: TestAgent? {
        get { box.withLock(\.self) }
        set { box.withLock { $0 = newValue } }
    }
}

private final class TestAgentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let agent: TestAgent
    private var decoder = StompDecoder()
    private var session = StompServerSession()

    init(_ agent: TestAgent) { self.agent = agent }

    func channelActive(context: ChannelHandlerContext) {
        agent.change { [channel = context.channel] in $0.connections[ObjectIdentifier(channel)] = channel }
    }

    func channelInactive(context: ChannelHandlerContext) {
        agent.change { [channel = context.channel] in $0.connections[ObjectIdentifier(channel)] = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        while let frame = try? decoder.nextFrame() {
            for action in session.receive(frame) {
                switch action {
                case .send(let frame):
                    write(frame, context)
                    let isTold = frame.command == .connected && agent.state.withLock(\.saysConnectedTwice)
                    if isTold { write(frame, context) }
                case .request(let request): answer(request, context)
                case .agree, .publish: break
                case .close: context.close(promise: nil)
                }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: StompRequest, _ context: ChannelHandlerContext) {
        for call in RPCRequest.decode(request.body) {
            guard case .success(let call) = call else { continue }
            if agent.state.withLock({ $0.mute.contains(call.method) }) { continue }
            tellNews(context)
            switch agent.outcome(of: call, on: context.eventLoop) {
            case .hangUp: context.close(promise: nil)
            case .now(let outcome): reply(outcome, to: call, of: request, context)
            case .later(let outcome):
                let context = NIOLoopBound(context, eventLoop: context.eventLoop)
                outcome.assumeIsolated().whenSuccess { self.reply($0, to: call, of: request, context.value) }
            }
        }
    }

    private func reply(
        _ outcome: Result<JSONValue, RPCError>,
        to call: RPCRequest,
        of request: StompRequest,
        _ context: ChannelHandlerContext
    ) {
        guard context.channel.isActive, let body = try? RPCReply(id: call.id, outcome: outcome).encoded() else {
            return
        }
        for frame in session.messages(to: request.replyTo, body: body) { write(frame, context) }
    }

    private func tellNews(_ context: ChannelHandlerContext) {
        let news = agent.state.withLock { state in
            defer { state.news = nil }
            return state.news
        }
        guard let body = try? news?.encoded() else { return }
        for frame in session.messages(to: .events, body: body) { write(frame, context) }
    }

    private func write(_ frame: StompFrame, _ context: ChannelHandlerContext) {
        var bytes = ByteBuffer()
        bytes.writeStompFrame(frame)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }
}

extension TestAgent {
    fileprivate enum Answer {
        case now(Result<JSONValue, RPCError>)
        case later(EventLoopFuture<Result<JSONValue, RPCError>>)
        /// Breaks the connection.
        case hangUp
    }

    fileprivate func outcome(of call: RPCRequest, on loop: any EventLoop) -> Answer {
        defer { ask.yield(call.method) }
        return answer(to: call, on: loop)
    }

    private func answer(to call: RPCRequest, on loop: any EventLoop) -> Answer {
        state.withLock { state in
            state.calls.append(call.method)
            if state.isRecovering { return .now(.failure(RPCError(.recovering, "recovering"))) }
            if state.unknown.contains(call.method) { return .now(.failure(RPCError(.methodNotFound, call.method))) }
            switch HostVerb(rawValue: call.method) {
            case .ping, .ping2, .confirmConnectivity:
                Self.hear(&state)
                return .now(.success(.boolean(true)))
            case .getCapabilities: return .now(Self.payload(Self.show(&state)).map { $0.with(state.further) })
            case .getStats: return .now(Self.payload(Self.statistics(state)))
            case .getHardwareInfo: return .now(Self.payload(HardwareInformation()))
            case .getVMList, .getVMFullList, .getAllVmStats: return .now(.success(.array([])))
            case .getLldp:
                return .now(.success(.object(["eth0": .object(["enabled": .boolean(true), "tlvs": .array([])])])))
            case .hostdevListByCaps, .getAllTasksStatuses, .getAllTasksInfo: return .now(.success(.object([:])))
            case .hostdevChangeNumvfs:
                guard let order = try? VirtualFunctionsOrder(params: call.params),
                    let nic = state.capabilities.nics.first(where: {
                        $0.value.musterVirtualFunctions?.device == order.device.libvirtName
                    })
                else { return .now(.failure(RPCError(.badNIC, "no such card"))) }
                state.capabilities.nics[nic.key]?.musterVirtualFunctions?.count = order.count
                state.isSafe = false
                return .now(.success(.boolean(true)))
            case .echo, .setMOMPolicyParameters: return .now(.success(.boolean(true)))
            case .fenceNode: return fence(call.params, state.fencing, on: loop)
            case .dumpxmls: return .now(.success(.object([:])))
            case .setupNetworks:
                state.setups.append(call.params)
                return setUp(&state, on: loop, call.params)
            case .planNetworks: return .now(.success(.object(["plan": .array(["# to do", "create bridge red"])])))
            case .setSafeNetworkConfig:
                guard state.change == nil else { return .now(.failure(Self.busy)) }
                state.isSafe = true
                return .now(.success(.boolean(true)))
            case .getLogs:
                return .now(Self.payload(NodeLogs([HostLog("agent", lines: ["\(call.params["lines"] ?? .null)"])])))
            case .renewCertificate:
                guard !state.refusesRenewal, let pem = call.params["certificate"]?.string else {
                    return .now(.failure(RPCError(.methodNotFound, call.method)))
                }
                (state.certificate, state.lastCertificate) = (pem, pem)
                // As the real one, which shows it from the next connection on and ends those that there are.
                let open = Array(state.connections.values)
                loop.scheduleTask(in: .milliseconds(50)) { for channel in open { channel.close(promise: nil) } }
                return .now(.success(.boolean(true)))
            case .getDisks: return .now(Self.payload(NodeDisks(state.node.disks)))
            case .planInstallation: return .now(state.node.plan(call.params))
            case .installImage: return .now(state.node.order(.install, call.params))
            case .upgradeImage: return .now(state.node.order(.upgrade, call.params))
            case .rollbackImage: return .now(state.node.order(.rollback, call.params))
            case .getJobs: return .now(Self.payload(state.node.look()))
            case .reboot: return state.node.reboot(&state.capabilities) ? .hangUp : .now(.success(.boolean(true)))
            case nil: return .now(.failure(RPCError(.methodNotFound, call.method)))
            }
        }
    }

    private func fence(_ params: JSONValue, _ fencing: FenceAgents?, on loop: any EventLoop) -> Answer {
        guard let fencing else { return .now(.success(.object(["power": .string("unknown")]))) }
        return .later(
            loop.makeFutureWithTask {
                do throws(RPCError) { return .success(try await fencing.answer(try FenceOrder(params: params))) } catch
                {
                    return .failure(error)
                }
            }
        )
    }

    /// How long a change waits for the engine: far longer than a restart takes on a busy machine.
    private static let patience = TimeAmount.seconds(60)
    private static let busy = RPCError(.resourceUnavailable, "A network change is running")

    private static func hear(_ state: inout State) {
        if state.node.confirms { state.capabilities.musterImage.isTrial = false }
        guard let change = state.change, change.looksUnowned == 0 else { return }
        state.capabilities.netConfigDirty = "False"
        state.change = nil
        change.reply?.succeed(.success(.boolean(true)))
    }

    private static func show(_ state: inout State) -> HostCapabilities {
        var shown = state.capabilities
        if state.saysChanging { shown.musterNetworkChanging = state.change != nil }
        guard let change = state.change, change.looksUnowned > 0 else { return shown }
        state.change?.looksUnowned -= 1
        shown.networks = [:]
        return shown
    }

    private func setUp(_ state: inout State, on loop: any EventLoop, _ params: JSONValue) -> Answer {
        guard state.change == nil else { return .now(.failure(Self.busy)) }
        var change = Change(before: state.capabilities, looksUnowned: 0)
        switch state.setup {
        case .fails(let error): return .now(.failure(error))
        case .lost: return .now(.failure(RPCError(.lostConnection, "connectivity check failed")))
        case .breaksAndIsTakenBack: return .hangUp
        case .works: break
        case .unowned(let looks): change.looksUnowned = looks
        case .breaksUntilConfirmed: break
        }
        let reply = loop.makePromise(of: Result<JSONValue, RPCError>.self)
        change.reply = reply
        if state.capabilities.networks["ovirtmgmt"] == nil {
            state.capabilities = Self.withManagementNetwork(state.capabilities)
        } else {
            NetworkReport.change(&state.capabilities, params)
        }
        state.capabilities.netConfigDirty = "True"
        state.change = change
        self.change.yield()
        loop.scheduleTask(in: Self.patience) { self.takeBack(reply) }
        if case .breaksUntilConfirmed = state.setup { return .hangUp }
        return .later(reply.futureResult)
    }

    private func takeBack(_ reply: EventLoopPromise<Result<JSONValue, RPCError>>) {
        state.withLock { state in
            guard let change = state.change, change.reply?.futureResult === reply.futureResult else { return }
            (state.capabilities, state.change) = (change.before, nil)
            reply.succeed(.failure(RPCError(.lostConnection, "connectivity check failed")))
        }
    }

    private static func payload(_ value: some VerbPayload) -> Result<JSONValue, RPCError> {
        (try? value.result()).map { .success($0) } ?? .failure(RPCError(.internalError, "encoding"))
    }
}
