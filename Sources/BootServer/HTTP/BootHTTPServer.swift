package import HostModel
package import NIOCore
import NIOHTTP1
import NIOPosix

/// The HTTP boot server: scripts, loaders and images over HTTP/1.1; in the clear files go by sendfile(2), and with an identity
/// through TLS.
package struct BootHTTPServer: Sendable {
    private let channel: any Channel
    private let connections: OpenConnections

    /// Opens the listener; no connection is taken before `run`.
    package static func bind(
        address: IPv4Address,
        port: Int,
        responder: BootHTTPResponder,
        identity: ServerIdentity? = nil,
        group: any EventLoopGroup
    ) async throws -> BootHTTPServer {
        try await bind(address: .v4(address), port: port, responder: responder, identity: identity, group: group)
    }

    /// The same for either family.
    package static func bind(
        address: IPAddress,
        port: Int,
        responder: BootHTTPResponder,
        identity: ServerIdentity? = nil,
        group: any EventLoopGroup
    ) async throws -> BootHTTPServer {
        let connections = OpenConnections(limits: responder.limits, identity: identity)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try connections.accept(channel, responder) }
            }
        let channel = try await bootstrap.bind(host: address.description, port: port).get()
        return BootHTTPServer(channel: channel, connections: connections)
    }

    /// The port in use: the one asked for, or the kernel's choice for 0.
    package var port: Int { channel.localAddress?.port ?? 0 }

    /// Connections open now.
    package var connectionCount: Int { connections.count }

    /// Closes the listener of a server that will not run.
    func close() async { try? await channel.close().get() }

    /// Serves until `stop`.
    package func run() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        try await channel.closeFuture.get()
    }

    /// Takes no more connections, ends the idle ones, and waits for answers on their way, at most `time`.
    package func stop(within time: TimeAmount) async {
        try? await channel.close().get()
        await connections.drain(within: time)
    }
}
