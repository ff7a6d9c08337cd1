import BootWire
import HostModel
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One UDP port of DHCP on one interface: datagrams in by NIO, datagrams out by itself.
struct DHCPPort: Sendable {
    /// Where replies go that are not for the sender.
    struct Peers: Hashable, Sendable {
        /// Where relays listen: the server's own port.
        var relayPort: UInt16
        /// Where clients listen.
        var clientPort: UInt16
    }

    /// A message that came, and who sent it.
    struct Received: Sendable {
        var packet: DHCPPacket
        var address: HostModel.IPv4Address
        var port: UInt16
    }

    let channel: any Channel
    private let sender: DatagramSender
    private let peers: Peers
    private let logger: Logger
    private let warnings: SparingWarnings
    let figures: BootFigures

    /// Datagrams taken from the kernel at once.
    private static let batchSize = 16
    private static let datagramMax = 2048

    /// Throws `DatagramSocketError` when the port or the interface cannot be had.
    static func open(
        interface: String?,
        address: HostModel.IPv4Address,
        port: UInt16,
        peers: Peers,
        figures: BootFigures = BootFigures(),
        logger: Logger
    ) async throws -> DHCPPort {
        let socket = try DatagramSocket.bound(to: address, port: port, interface: interface, isServer: true)
        let sender = try socket.sender()
        let channel = try await DatagramChannel.open(
            on: socket.take(),
            batchSize: batchSize,
            datagramMax: datagramMax
        )
        return DHCPPort(
            channel: channel,
            sender: sender,
            peers: peers,
            logger: logger,
            warnings: SparingWarnings(logger),
            figures: figures
        )
    }

    /// The port that it listens on; `nil` once it is closed.
    var number: Int? { channel.localAddress?.port }

    func close() async { try? await channel.close().get() }

    /// Hands every message to `answer`, at most `limit` of machines that `isKnown` and half as many of others at once, until
    /// cancelled or gracefully shut down.
    func serve(
        limit: Int,
        isKnown: @escaping @Sendable (MACAddress) -> Bool = { _ in false },
        _ answer: @escaping @Sendable (Received) async -> Void
    ) async throws {
        let channel = try await DatagramValve.receive(from: channel, limit: limit, figures: figures) { datagram in
            KnownCards.card(in: datagram.data).map(isKnown) ?? false
        }
        try await channel.executeThenClose { inbound, _ in
            try await withThrowingDiscardingTaskGroup { group in
                for try await admitted in inbound.cancelOnGracefulShutdown() {
                    group.addTask {
                        if let received = read(admitted.datagram) { await answer(received) }
                        admitted.leave()
                    }
                }
                group.cancelAll()
            }
        }
        guard Task.isShuttingDownGracefully || Task.isCancelled else { throw ReceivingEnded(service: "DHCP") }
    }

    private func read(_ datagram: AddressedEnvelope<ByteBuffer>) -> Received? {
        // Nobody can be answered on port 0 (RFC 768).
        guard let address = datagram.remoteAddress.ipv4, let port = datagram.remoteAddress.port, port > 0 else {
            return nil
        }
        do throws(DHCPWireError) {
            let packet = try DHCPPacket(parsing: datagram.data)
            return Received(packet: packet, address: address, port: UInt16(port))
        } catch {
            logger.debug("dropped a datagram: \(error)")
            return nil
        }
    }

    func send(_ reply: DHCPReply, to request: Received) {
        let encoded = reply.packet.encoded(limit: reply.lengthMax)
        if !encoded.omitted.isEmpty {
            warnings.warn("\(Self.summary(request.packet)): the answer has no room for \(encoded.omitted)")
        }
        let (address, port) =
            switch reply.destination {
            case .broadcast: (IPv4Address.broadcast, peers.clientPort)
            case .client(let address): (address, peers.clientPort)
            case .relay(let address): (address, peers.relayPort)
            case .sender: (request.address, request.port)
            }
        if let error = sender.send(encoded.bytes.readableBytesView, to: address, port: port) {
            warnings.warn("\(Self.summary(request.packet)): could not answer to \(address):\(port): \(error)")
        } else {
            figures.count { $0.dhcp_answered += 1 }
            logger.debug("\(Self.summary(request.packet)): \(Self.summary(reply.packet)) to \(address)")
        }
    }

    /// Sends a message to every machine of the segment.
    func broadcast(_ packet: DHCPPacket, to port: UInt16) {
        if let error = sender.send(packet.encoded().bytes.readableBytesView, to: .broadcast, port: port) {
            logger.debug("\(Self.summary(packet)): could not be sent: \(error)")
        }
    }

    /// A message in a few words, for the log.
    static func summary(_ packet: DHCPPacket) -> String {
        let type = packet.messageType?.description ?? "BOOTP"
        let mac = packet.mac?.description ?? "unknown hardware"
        return packet.yourAddress == .any ? "\(type) of \(mac)" : "\(type) \(packet.yourAddress)"
    }
}
