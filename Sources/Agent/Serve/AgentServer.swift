import AgentWire
import HostModel
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import SystemPackage

/// The half of the agent that faces the network: JSON-RPC over STOMP over TLS for the engine. Never runs as root; what
/// needs root it asks of `ApplyServer`.
package struct AgentServer: Service {
    private let settings: AgentServerSettings
    private let logger: Logger

    /// Connections at once; the engine needs a few.
    package static let connectionsMax = 32
    /// How often the certificate is looked for, and looked at for a change.
    private static let identitySeconds = 2

    package init(_ settings: AgentServerSettings, logger: Logger) { (self.settings, self.logger) = (settings, logger) }

    package func run() async throws {
        try Privileges.drop(userID: settings.userID, groupID: settings.groupID)
        try await untilShutdown {
            let identity = CurrentIdentity(try await awaitIdentity())
            let server = try await listen(identity)
            logger.notice("listening on port \(server.channel.localAddress?.port ?? settings.port)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await accept(server, identity) }
                group.addTask { try await follow(identity) }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private typealias Listener = NIOAsyncChannel<AgentConnection.Wire, Never>

    /// The node may not be approved yet.
    private func awaitIdentity() async throws -> AgentIdentity {
        var isAnnounced = false
        while true {
            do {
                if let identity = try AgentIdentity.load(from: settings.state) { return identity }
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

    /// Takes a renewed certificate into use for new connections.
    private func follow(_ current: CurrentIdentity) async throws {
        while true {
            try await Task.sleep(for: .seconds(Self.identitySeconds))
            guard let fresh = try? AgentIdentity.load(from: settings.state), !fresh.isSame(as: current.value) else {
                continue
            }
            current.value = fresh
            logger.notice("using the new certificate")
        }
    }

    private func listen(_ identity: CurrentIdentity) async throws -> Listener {
        guard let address = settings.address else {
            do { return try await bind("::", identity) } catch let error as IOError
                where error.errnoCode == EAFNOSUPPORT
            {
                return try await bind("0.0.0.0", identity)
            } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL {
                return try await bind("0.0.0.0", identity)
            }
        }
        return try await bind(address, identity)
    }

    private func bind(_ address: String, _ identity: CurrentIdentity) async throws -> Listener {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(to: try SocketAddress(ipAddress: address, port: settings.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: identity.value.context))
                    return try AgentConnection.Wire(wrappingChannelSynchronously: channel)
                }
            }
    }

    private func accept(_ server: Listener, _ identity: CurrentIdentity) async throws {
        let (hub, slots) = (StompHub(), Slots(Self.connectionsMax))
        let verbs = HostVerbs(state: settings.state, run: settings.run, logger: logger)
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await wire in connections {
                    guard slots.take() else {
                        logger.warning("too many connections; one was turned away")
                        group.addTask { try? await wire.executeThenClose { _, _ in } }
                        continue
                    }
                    let own = identity.value.certificate
                    group.addTask { [logger] in
                        defer { slots.give() }
                        await AgentConnection(wire: wire, hub: hub, verbs: verbs, own: own, logger: logger).run()
                    }
                }
            }
        }
    }
}

/// The identity that new connections get.
private final class CurrentIdentity: Sendable {
    private let box: Mutex<AgentIdentity>

    init(_ identity: AgentIdentity) { box = Mutex(identity) }

    var value: AgentIdentity {
        get { box.withLock { $0 } }
        set { box.withLock { $0 = newValue } }
    }
}
