import AgentWire
import Glibc
import HostModel
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemPackage

/// `struct ucred` of the kernel (unix(7)), which Glibc's module does not show.
private struct PeerCredentials: BitwiseCopyable, Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}

private struct RefusedCaller: Error {}

/// The root half of the agent: owns the kernel's network, listens on a Unix socket for `serve`, and holds the undo timer.
package struct ApplyServer: Service {
    private let settings: ApplySettings
    private let logger: Logger

    /// Calls at once; `serve` needs two (a change and the engine's voice).
    package static let connectionsMax = 32
    /// A caller must have written its request by then.
    private static let requestSeconds: Int64 = 10
    /// How often fallen DHCP clients are looked for.
    private static let tendSeconds = 10

    package init(_ settings: ApplySettings, logger: Logger) { (self.settings, self.logger) = (settings, logger) }

    package func run() async throws {
        try settings.run.make(permissions: .directory)
        let keeper = NetworkKeeper(settings, logger: logger)
        try await keeper.recover()
        await keeper.expectRestoration()
        let images = ImageKeeper(settings, logger: logger)
        await images.recover()
        try HardwareFile(in: settings.run).write(HardwareFacts().read(), group: settings.groupID)
        let channel = try await listen()
        logger.notice("listening on \(settings.socket)")
        let keepers = Keepers(
            network: keeper,
            images: images,
            lldp: LLDPWatch(logger: logger),
            state: settings.state
        )
        do { try await serve(channel, keepers) } catch {
            await images.stop()
            throw error
        }
        await images.stop()
    }

    /// Who does what callers ask for.
    private struct Keepers: Sendable {
        var network: NetworkKeeper
        var images: ImageKeeper
        var lldp: LLDPWatch
        var state: NodeDirectory
        /// One reading at a time: each starts programs, and holds megabytes.
        let readings = Slots(1)
    }

    private func serve(_ channel: NIOAsyncChannel<Connection, Never>, _ keepers: Keepers) async throws {
        try await untilShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Its end, where packets may not be heard, is no end of the rest.
                let watch = Task { await keepers.lldp.run() }
                defer { watch.cancel() }
                group.addTask { try await accept(channel, keepers) }
                group.addTask {
                    await keepers.network.restore()
                    while true {
                        try await Task.sleep(for: .seconds(Self.tendSeconds))
                        await keepers.network.tendDHCPClients()
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private func listen() async throws -> NIOAsyncChannel<Connection, Never> {
        let channel: NIOAsyncChannel<Connection, Never> = try await ServerBootstrap(
            group: .singletonMultiThreadedEventLoopGroup
        )
        .bind(unixDomainSocketPath: settings.socket.string, cleanupExistingSocketFile: true) {
            [settings, logger] channel in
            Self.admit(channel, settings, logger).flatMapThrowing {
                try Connection(wrappingChannelSynchronously: channel)
            }
        }
        // Until the mode is set only root can connect; the peer's credentials are checked besides.
        let path = settings.socket.string
        guard chown(path, 0, settings.groupID) == 0, chmod(path, 0o660) == 0 else {
            throw FileFailure(settings.socket, "hand over")
        }
        return channel
    }

    /// Refuses every peer but `serve`'s user and root, by what the kernel says of the peer (SO_PEERCRED).
    private static func admit(
        _ channel: any Channel,
        _ settings: ApplySettings,
        _ logger: Logger
    ) -> EventLoopFuture<Void> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let credentials: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_SOCKET),
            name: SocketOptionName(SO_PEERCRED)
        )
        return credentials.flatMapThrowing { peer in
            guard peer.uid == 0 || peer.uid == settings.userID else {
                logger.warning("refused a caller", metadata: ["uid": "\(peer.uid)", "pid": "\(peer.pid)"])
                // A failed initializer alone leaves the caller waiting on an open socket.
                channel.close(promise: nil)
                throw RefusedCaller()
            }
        }
    }

    private func accept(_ server: NIOAsyncChannel<Connection, Never>, _ keepers: Keepers) async throws {
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                let slots = Slots(Self.connectionsMax)
                for try await connection in connections {
                    guard slots.take() else {
                        logger.warning("too many callers; one was turned away")
                        group.addTask { try? await connection.executeThenClose { _, _ in } }
                        continue
                    }
                    group.addTask {
                        defer { slots.give() }
                        await answer(connection, keepers)
                    }
                }
            }
        }
    }

    private func answer(_ connection: Connection, _ keepers: Keepers) async {
        let timeout = connection.channel.eventLoop.scheduleTask(in: .seconds(Self.requestSeconds)) {
            connection.channel.close(promise: nil)
        }
        do {
            try await connection.executeThenClose { inbound, outbound in
                var line = LineBuffer(limit: ApplyCall.lineBytesMax)
                for try await bytes in inbound {
                    guard let request = try line.take(bytes) else { continue }
                    timeout.cancel()
                    var text = try await Self.reply(to: request, keepers)
                    text.writeString("\n")
                    try await outbound.write(text)
                    return
                }
            }
        } catch {
            // The caller is gone; what it asked for went on to its end.
            logger.debug("a caller left: \(error)")
        }
        timeout.cancel()
    }

    private static func reply(to text: ByteBuffer, _ keepers: Keepers) async throws -> ByteBuffer {
        switch RPCRequest.decode(text).first {
        case .success(let request)?:
            let result: Answer
            do throws(RPCError) { result = try await Self.result(of: request, keepers) } catch {
                return try RPCReply.encoded(id: request.id, error: error)
            }
            return try RPCReply.encoded(id: request.id, result: result)
        case .failure(let refusal)?: return try refusal.reply.encoded()
        case nil: return try RPCReply.encoded(id: nil, error: RPCError(.invalidRequest, "no request"))
        }
    }

    /// What a call answers, on its way to the reply's text.
    private typealias Answer = any Encodable & Sendable

    private static func result(of request: RPCRequest, _ keepers: Keepers) async throws(RPCError) -> Answer {
        let (network, images, params) = (keepers.network, keepers.images, request.params)
        switch ApplyCall(rawValue: request.method) {
        case .setupNetworks?: try await network.setupNetworks(try SetupNetworksParameters(params: params))
        case .planNetworks?: return try await plan(try SetupNetworksParameters(params: params), network)
        case .changeVirtualFunctions?:
            try await network.changeVirtualFunctions(try VirtualFunctionsOrder(params: params))
        case .confirm?:
            await network.confirm()
            await images.engineWasHeard()
        case .commit?: try await network.commit()
        case .ownership?:
            do { return try await network.ownership().answer(to: params["known"]?.string) } catch {
                throw RPCError(.unexpected, "The network configuration can not be read: \(error)")
            }
        case .disks?: return try await images.disks()
        case .plan?: return try await images.plan(try ImageWork(.install, params: params))
        case .install?: try await images.start(try ImageWork(.install, params: params))
        case .upgrade?: try await images.start(try ImageWork(.upgrade, params: params))
        case .rollback?: try await images.start(try ImageWork(.rollback, params: params))
        case .jobs?: return await images.jobs()
        case .lldp?:
            return keepers.lldp.report(try LLDPReports.devices(params))
        case .logs?: return try await logs(try NodeLogs.lines(params), keepers.readings)
        case .renewCertificate?: try CertificateRenewal(state: keepers.state).take(params)
        case .reboot?: try await images.reboot()
        case nil: throw RPCError(.methodNotFound, "apply has no \(request.method)")
        }
        return true
    }

    /// Throws code 40 while another reading is under way.
    static func logs(_ lines: Int, _ readings: Slots) async throws(RPCError) -> NodeLogs {
        guard readings.take() else {
            throw RPCError(.resourceUnavailable, "The logs are being read for somebody else; ask again in a moment")
        }
        defer { readings.give() }
        return await HostLogs().read(lines: lines)
    }

    private static func plan(
        _ call: SetupNetworksParameters,
        _ keeper: NetworkKeeper
    ) async throws(RPCError) -> JSONValue {
        do {
            let lines = try await keeper.plan(call).text.split(separator: "\n", omittingEmptySubsequences: false)
            return .object(["plan": .array(lines.dropLast().map { .string(String($0)) })])
        } catch let error as NetworkRefusal {
            throw RPCError(.init(rawValue: error.code.rawValue), error.description)
        } catch {
            throw RPCError(.unexpected, "The network change can not be planned: \(error)")
        }
    }
}
