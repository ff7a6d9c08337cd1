package import BootWire
package import HostModel
import Logging
import ServiceLifecycle

/// DHCP on one interface, and for the networks whose relays send to it: datagrams in, the responder's decision, the lease on disk, datagrams out.
package struct DHCPServer: Service {
    package struct Configuration: Sendable {
        /// The interface that is served; `nil` serves every one, which is for tests on loopback.
        package var interface: String?
        package var address: IPv4Address = .any
        package var port: UInt16 = 67
        /// Where clients listen.
        package var clientPort: UInt16 = 68
        /// Where relays listen.
        package var relayPort: UInt16 = 67
        package var networks: DHCPNetworks
        package var limits = DHCPLimits()

        package init(interface: String?, networks: DHCPNetworks) {
            (self.interface, self.networks) = (interface, networks)
        }
    }

    private let configuration: Configuration
    private let socket: DHCPPort
    private let leases: LeaseStore
    private let directory: any BootDirectory
    private let verdicts: BootVerdicts
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void
    private let traffic: DHCPTraffic
    private let segment: SegmentWatch
    private let warnings: SparingWarnings

    /// How often reservations are read.
    private static let reservationInterval: Duration = .seconds(15)
    private static let reservationWaitMax: Duration = .seconds(5)
    /// What is known of the others on the segment; empty where the server's interface is not Ethernet.
    struct SegmentWatch: Sendable {
        var addresses: AddressWatch?
        var servers: OtherServers?
    }

    /// Binds the socket; `run` serves it. Throws `DatagramSocketError` when the port or the interface cannot be had.
    ///
    /// The directory must honour cancellation, which is how the wait for it is bounded. `onEvent` is called for every step
    /// of a boot and must not block.
    static func open(
        _ configuration: Configuration,
        leases: LeaseStore,
        directory: any BootDirectory,
        loops: LoopGuard = LoopGuard(),
        segment: SegmentWatch = SegmentWatch(),
        figures: BootFigures = BootFigures(),
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> DHCPServer {
        let socket = try await DHCPPort.open(
            interface: configuration.interface,
            address: configuration.address,
            port: configuration.port,
            peers: .init(relayPort: configuration.relayPort, clientPort: configuration.clientPort),
            figures: figures,
            logger: logger
        )
        return DHCPServer(
            configuration: configuration,
            socket: socket,
            leases: leases,
            directory: directory,
            verdicts: BootVerdicts(directory: directory, loops: loops, logger: logger),
            logger: logger,
            onEvent: onEvent,
            traffic: DHCPTraffic(configuration.limits),
            segment: segment,
            warnings: SparingWarnings(logger)
        )
    }

    /// The port that it listens on; `nil` once it is closed.
    package var port: Int? { socket.number }

    /// Closes the socket of a server that will not run.
    package func close() async {
        await segment.addresses?.close()
        await socket.close()
    }

    /// Serves until cancelled or gracefully shut down.
    package func run() async throws {
        let served = configuration.networks.all.map { "\($0.network)" }.joined(separator: ", ")
        logger.info("DHCP serves \(served)", metadata: ["port": "\(configuration.port)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keepReservations() }
            group.addTask { try await segment.addresses?.run() }
            group.addTask { try await segment.servers?.run() }
            let known = leases.known
            try await socket.serve(limit: configuration.limits.exchangesMax, isKnown: { known.contain($0) }) {
                await answer($0)
            }
            group.cancelAll()
        }
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
        let isOurs = configuration.networks.index(of: reservation.address) != nil
        let text = "\(reservation.address) cannot be kept for \(reservation.mac) on this network"
        logger.log(level: isOurs ? .warning : .debug, "\(text)")
    }

    private func answer(_ received: DHCPPort.Received) async {
        let packet = received.packet
        if let servers = segment.servers, servers.asked(packet) { return }
        guard let index = configuration.networks.index(for: packet) else { return tell(notServed: packet) }
        let responder = DHCPResponder(settings: configuration.networks.all[index])
        guard let client = responder.client(of: packet) else { return }
        let isKnown = await leases.knows(client, by: responder)
        guard traffic.enter(client.mac, isKnown: isKnown) else {
            socket.figures.count { $0.dhcp_dropped += 1 }
            logger.debug(
                "\(DHCPPort.summary(packet)): dropped, there are too many of \(isKnown ? "it" : "new machines")"
            )
            return
        }
        defer { traffic.leave(isKnown: isKnown) }
        await answer(received, responder)
    }

    private func tell(notServed packet: DHCPPacket) {
        let relay = packet.relayAddress
        guard !configuration.networks.relays.contain(relay) else {
            logger.debug("\(DHCPPort.summary(packet)): no answer, \(DHCPOutcome.Silence.otherNetwork.rawValue)")
            return
        }
        warnings.tell(ofUnknown: .v4(relay), DHCPPort.summary(packet), of: packet.mac, onEvent)
    }

    private func answer(_ received: DHCPPort.Received, _ responder: DHCPResponder) async {
        let packet = received.packet
        let verdict = isToBeAnswered(packet) ? await verdicts.verdict(on: packet).verdict : .allowed
        let outcome: DHCPOutcome
        do throws(LeaseStoreError) {
            outcome = try await leases.respond(to: packet, with: responder, verdict: verdict)
        } catch {
            warnings.warn("a lease was not given: \(error)")
            return
        }
        for event in outcome.events { onEvent(event) }
        if outcome.silence == .anotherServer, let other = packet.serverIdentifier, let mac = packet.mac {
            segment.servers?.wasChosen(other, by: mac)
        }
        if let reply = outcome.reply, reply.packet.messageType == .offer {
            segment.addresses?.offered(reply.packet.yourAddress)
        }
        if let silence = outcome.silence { logger.debug("\(DHCPPort.summary(packet)): no answer, \(silence.rawValue)") }
        if let reply = outcome.reply { socket.send(reply, to: received) }
    }

    private func isToBeAnswered(_ packet: DHCPPacket) -> Bool {
        let types: [DHCPMessageType?] = [.discover, .request, .inform]
        return types.contains(packet.messageType)
            && (packet.serverIdentifier == nil || packet.names(server: configuration.networks.own.server))
    }
}
