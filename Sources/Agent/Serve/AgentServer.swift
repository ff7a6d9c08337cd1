import AgentWire
import HostModel
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import SystemPackage

/// The half of the agent that faces the network: JSON-RPC over STOMP over TLS for the engine. Never runs as root; what
/// needs root it asks of `ApplyServer`.
package struct AgentServer: Service {
    private let settings: AgentServerSettings
    private let logger: Logger

    /// How often the certificate is looked for, and looked at for a change.
    private static let identitySeconds = 1

    package init(_ settings: AgentServerSettings, logger: Logger) { (self.settings, self.logger) = (settings, logger) }

    /// Serves one engine after the other: with the certificate go the listener and every connection that it let in.
    package func run() async throws {
        try Privileges.drop(userID: settings.userID, groupID: settings.groupID)
        // Not a child of what follows: a look at a daemon that hangs cannot be ended, and nobody is to wait for it.
        let guests = GuestWatch(logger: logger)
        let looking = Task { await guests.run() }
        defer { looking.cancel() }
        try await untilShutdown {
            while true {
                let identity = try await awaitIdentity()
                let admission = Admission()
                let server = try await listen(identity, admission)
                logger.notice("listening on port \(server.channel.localAddress?.port ?? settings.port)")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await accept(server, identity, admission, guests) }
                    group.addTask { try await awaitChange(of: identity) }
                    do { try await group.next() } catch {
                        group.cancelAll()
                        throw error
                    }
                    group.cancelAll()
                    // What the accepting task throws for being cancelled is no error.
                    while let result = await group.nextResult() { _ = result }
                }
            }
        }
    }

    private struct Arrival: Sendable {
        var wire: AgentConnection.Wire
        var place: Int
        var handshake: EventLoopFuture<Void>
    }

    private typealias Listener = NIOAsyncChannel<Arrival, Never>

    private func load() throws -> AgentIdentity? {
        let configuration = NodeConfiguration(
            commandLine: settings.commandLine,
            state: settings.state,
            run: settings.run
        )
        return try AgentIdentity.load(from: settings.state, for: configuration)
    }

    /// The node may not be approved yet.
    private func awaitIdentity() async throws -> AgentIdentity {
        var isAnnounced = false
        while true {
            do {
                if let identity = try load() { return identity }
                if !isAnnounced { logger.notice("waiting for key, certificate and CA in \(settings.state.path)") }
            } catch {
                if !isAnnounced {
                    logger.error("the agent's certificate can not be used: \(terminalEscaped("\(error)"))")
                }
            }
            isAnnounced = true
            try await Task.sleep(for: .seconds(Self.identitySeconds))
        }
    }

    /// Returns when the certificate is gone, is another one, or is no longer that of the node's engine. One look that
    /// fails ends nothing: the engine is cut off for what two looks saw.
    private func awaitChange(of identity: AgentIdentity) async throws {
        var misses = 0
        while true {
            misses = (try? load())?.isSame(as: identity) == true ? 0 : misses + 1
            if misses == 2 { break }
            try await Task.sleep(for: .seconds(Self.identitySeconds))
        }
        logger.notice("the certificate changed; its connections are closed")
    }

    private func listen(_ identity: AgentIdentity, _ admission: Admission) async throws -> Listener {
        guard let address = settings.address else {
            do { return try await bind("::", identity, admission) } catch let error as IOError
                where error.errnoCode == EAFNOSUPPORT
            {
                return try await bind("0.0.0.0", identity, admission)
            } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL {
                return try await bind("0.0.0.0", identity, admission)
            }
        }
        return try await bind(address, identity, admission)
    }

    private func bind(_ address: String, _ identity: AgentIdentity, _ admission: Admission) async throws -> Listener {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(to: try SocketAddress(ipAddress: address, port: settings.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handshake = channel.eventLoop.makePromise(of: Void.self)
                    let place = admission.arrive(channel)
                    do {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(FirstBytesHandler { admission.spoke(place) })
                        try pipeline.addHandler(NIOSSLServerHandler(context: identity.context))
                        try pipeline.addHandler(HandshakeHandler(handshake))
                        let wire = try AgentConnection.Wire(wrappingChannelSynchronously: channel)
                        return Arrival(wire: wire, place: place, handshake: handshake.futureResult)
                    } catch {
                        handshake.fail(error)
                        throw error
                    }
                }
            }
    }

    private func accept(
        _ server: Listener,
        _ identity: AgentIdentity,
        _ admission: Admission,
        _ guests: GuestWatch
    ) async throws {
        let (hub, lines) = (StompHub(), RepeatedLines(logger))
        let verbs = HostVerbs(
            state: settings.state,
            run: settings.run,
            commandLine: settings.commandLine,
            guests: guests,
            logger: logger
        )
        // As long as the connections, of which any may listen.
        let monitor = Task { await NetworkMonitor(logger: logger) { hub.publish($0) }.run() }
        defer { monitor.cancel() }
        let guestMonitor = Task { await GuestMonitor(guests) { hub.publish($0) }.run() }
        defer { guestMonitor.cancel() }
        try await server.executeThenClose { arrivals in
            try await withThrowingDiscardingTaskGroup { group in
                for try await arrival in arrivals {
                    let connection = AgentConnection(
                        wire: arrival.wire,
                        place: arrival.place,
                        handshake: arrival.handshake,
                        admission: admission,
                        hub: hub,
                        verbs: verbs,
                        own: identity.certificate,
                        lines: lines,
                        logger: logger
                    )
                    group.addTask { await connection.run() }
                }
            }
        }
    }
}
