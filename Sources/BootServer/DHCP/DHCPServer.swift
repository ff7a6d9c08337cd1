package import BootWire
package import HostModel
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// DHCP on one interface: datagrams in, the responder's decision, the lease on disk, datagrams out.
package struct DHCPServer: Service {
    package struct Configuration: Sendable {
        /// The interface that is served; `nil` serves every one, which is for tests on loopback.
        package var interface: String?
        package var address: IPv4Address = .any
        package var port: UInt16 = 67
        /// Where clients listen.
        package var clientPort: UInt16 = 68
        package var settings: DHCPSettings
        package var limits = DHCPLimits()

        package init(interface: String?, settings: DHCPSettings) {
            (self.interface, self.settings) = (interface, settings)
        }
    }

    private let configuration: Configuration
    private let channel: any Channel
    private let sender: DatagramSender
    private let leases: LeaseStore
    private let directory: any BootDirectory
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void
    private let traffic: DHCPTraffic

    /// How long the directory may take before a machine is answered without it. Firmware's first wait is 4 s, iPXE's 1 s.
    package static let directoryWaitMax: Duration = .seconds(1)
    /// How often reservations are read.
    private static let reservationInterval: Duration = .seconds(15)
    private static let reservationWaitMax: Duration = .seconds(5)
    /// Datagrams taken from the kernel at once.
    private static let batchSize = 16
    private static let datagramMax = 2048

    /// Binds the socket; `run` serves it. Throws `DatagramSocketError` when the port or the interface cannot be had.
    ///
    /// The directory must honour cancellation, which is how the wait for it is bounded. `onEvent` is called for every step
    /// of a boot and must not block.
    package static func open(
        _ configuration: Configuration,
        leases: LeaseStore,
        directory: any BootDirectory,
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> DHCPServer {
        let socket = try DatagramSocket.bound(
            to: configuration.address,
            port: configuration.port,
            interface: configuration.interface,
            isServer: true
        )
        let sender = try socket.sender()
        let channel = try await DatagramChannel.open(
            on: socket.take(),
            batchSize: batchSize,
            datagramMax: datagramMax
        )
        return DHCPServer(
            configuration: configuration,
            channel: channel,
            sender: sender,
            leases: leases,
            directory: directory,
            logger: logger,
            onEvent: onEvent,
            traffic: DHCPTraffic(configuration.limits)
        )
    }

    /// The port that it listens on; `nil` once it is closed.
    package var port: Int? { channel.localAddress?.port }

    /// Closes the socket of a server that will not run.
    package func close() async { try? await channel.close().get() }

    /// Serves until cancelled or gracefully shut down.
    package func run() async throws {
        logger.info("DHCP serves \(configuration.settings.network)", metadata: ["port": "\(configuration.port)"])
        let channel = try await DatagramChannel.receive(from: channel)
        try await channel.executeThenClose { inbound, _ in
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { await keepReservations() }
                let gate = Gate(limit: configuration.limits.exchangesMax)
                for try await datagram in inbound.cancelOnGracefulShutdown() {
                    guard gate.enter() else { continue }
                    group.addTask {
                        await answer(datagram.data)
                        gate.leave()
                    }
                }
                group.cancelAll()
            }
        }
        guard Task.isShuttingDownGracefully || Task.isCancelled else { throw ReceivingEnded(service: "DHCP") }
    }

    private func keepReservations() async {
        var refused: [AddressReservation] = []
        while !Task.isCancelled {
            do {
                let reservations = try await withTimeLimit(Self.reservationWaitMax) {
                    try await directory.reservations()
                }
                let before = refused
                refused = await leases.keep(reservations)
                for reservation in refused where !before.contains(reservation) { tell(refused: reservation) }
            } catch {
                logger.debug("the reservations could not be read: \(error)")
            }
            try? await Task.sleep(for: Self.reservationInterval)
        }
    }

    /// Hosts of other networks have their addresses there, which is nothing to warn of.
    private func tell(refused reservation: AddressReservation) {
        let isOurs = configuration.settings.network.contains(reservation.address)
        let text = "\(reservation.address) cannot be kept for \(reservation.mac) on this network"
        logger.log(level: isOurs ? .warning : .debug, "\(text)")
    }

    private func answer(_ datagram: ByteBuffer) async {
        let packet: DHCPPacket
        do throws(DHCPWireError) {
            packet = try DHCPPacket(parsing: datagram)
        } catch {
            logger.debug("dropped a datagram: \(error)")
            return
        }
        let responder = DHCPResponder(settings: configuration.settings)
        guard let client = responder.client(of: packet) else { return }
        let isKnown = await leases.knows(client)
        guard traffic.enter(client.mac, isKnown: isKnown) else {
            logger.debug("\(summary(packet)): dropped, there are too many of \(isKnown ? "it" : "new machines")")
            return
        }
        defer { traffic.leave(isKnown: isKnown) }
        await answer(packet, responder)
    }

    private func answer(_ packet: DHCPPacket, _ responder: DHCPResponder) async {
        let verdict = await verdict(on: packet)
        let outcome: DHCPOutcome
        do throws(LeaseStoreError) {
            outcome = try await leases.respond(to: packet, with: responder, verdict: verdict)
        } catch {
            logger.error("a lease was not given: \(error)")
            return
        }
        for event in outcome.events { onEvent(event) }
        if let silence = outcome.silence { logger.debug("\(summary(packet)): no answer, \(silence.rawValue)") }
        if let reply = outcome.reply { send(reply, to: packet) }
    }

    private func send(_ reply: DHCPReply, to request: DHCPPacket) {
        let encoded = reply.packet.encoded(limit: reply.lengthMax)
        if !encoded.omitted.isEmpty {
            logger.notice("\(summary(request)): the answer has no room for \(encoded.omitted)")
        }
        let (address, port) =
            switch reply.destination {
            case .broadcast: (IPv4Address.broadcast, configuration.clientPort)
            case .client(let address): (address, configuration.clientPort)
            case .relay(let address): (address, configuration.port)
            }
        if let error = sender.send(encoded.bytes.readableBytesView, to: address, port: port) {
            logger.warning("\(summary(request)): could not answer to \(address):\(port): \(error)")
        } else {
            logger.debug("\(summary(request)): \(summary(reply.packet)) to \(address)")
        }
    }

    private func summary(_ packet: DHCPPacket) -> String {
        let type = packet.messageType?.description ?? "BOOTP"
        let mac = packet.mac?.description ?? "unknown hardware"
        return packet.yourAddress == .any ? "\(type) of \(mac)" : "\(type) \(packet.yourAddress)"
    }

    // MARK: - What the directory says

    private func verdict(on packet: DHCPPacket) async -> DHCPResponder.BootVerdict {
        let client = BootClient(of: packet)
        guard client != .addressOnly, let mac = packet.mac, isToBeAnswered(packet) else { return .allowed }
        let request = BootRequest(mac: mac, hardwareID: packet.hardwareID, firmware: client.firmware ?? .uefi)
        do {
            let answer = try await withTimeLimit(Self.directoryWaitMax) { try await directory.answer(request) }
            guard answer.profile.mode == .deny else { return .allowed }
            return .denied(profile: answer.profile.name, reason: answer.reason)
        } catch {
            // The address and the loader do no harm: the script is asked for by HTTP, and there nobody is let through.
            logger.warning("\(mac) is answered without the boot directory: \(error)")
            return .allowed
        }
    }

    private func isToBeAnswered(_ packet: DHCPPacket) -> Bool {
        let types: [DHCPMessageType?] = [.discover, .request, .inform]
        return types.contains(packet.messageType)
            && packet.serverIdentifier.map { $0 == configuration.settings.server } ?? true
    }
}
