import BootWire
package import HostModel
import Logging
import ServiceLifecycle

/// ProxyDHCP on one interface: tells machines what to boot, and gives no addresses. Beside another server's DHCP it listens
/// on 67 and 4011; beside our own on 4011 only, for firmware that asks there all the same.
package struct ProxyServer: Service {
    package struct Configuration: Sendable {
        /// The interface that is served; `nil` serves every one, which is for tests on loopback.
        package var interface: String?
        package var address: IPv4Address = .any
        /// `nil` leaves DHCP's port to a server that also gives addresses.
        package var discoveryPort: UInt16?
        package var bootServerPort: UInt16 = 4011
        /// Where clients listen.
        package var clientPort: UInt16 = 68
        package var limits = DHCPLimits()

        package init(interface: String?) { self.interface = interface }
    }

    private let configuration: Configuration
    private let responder: ProxyResponder
    private let discovery: DHCPPort?
    private let bootServer: DHCPPort
    private let verdicts: BootVerdicts
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void
    private let traffic: DHCPTraffic
    private let hosts = KnownHosts()
    private let warnings: SparingWarnings

    /// Binds the sockets; `run` serves them. Throws `ProxyPortError` when one cannot be had.
    ///
    /// The directory must honour cancellation. `onEvent` is called for every step of a boot and must not block.
    static func open(
        _ configuration: Configuration,
        responder: ProxyResponder,
        directory: any BootDirectory,
        loops: LoopGuard = LoopGuard(),
        figures: BootFigures = BootFigures(),
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> ProxyServer {
        func port(_ number: UInt16) async throws -> DHCPPort {
            do {
                return try await DHCPPort.open(
                    interface: configuration.interface,
                    address: configuration.address,
                    port: number,
                    peers: .init(relayPort: configuration.discoveryPort ?? 67, clientPort: configuration.clientPort),
                    figures: figures,
                    logger: logger
                )
            } catch {
                throw ProxyPortError(isDiscovery: number == configuration.discoveryPort, cause: error)
            }
        }
        var discovery: DHCPPort?
        if let number = configuration.discoveryPort { discovery = try await port(number) }
        do {
            return ProxyServer(
                configuration: configuration,
                responder: responder,
                discovery: discovery,
                bootServer: try await port(configuration.bootServerPort),
                verdicts: BootVerdicts(directory: directory, loops: loops, logger: logger),
                logger: logger,
                onEvent: onEvent,
                traffic: DHCPTraffic(configuration.limits),
                warnings: SparingWarnings(logger)
            )
        } catch {
            await discovery?.close()
            throw error
        }
    }

    /// The ports that it listens on.
    package var ports: (discovery: Int?, bootServer: Int?) { (discovery?.number, bootServer.number) }

    /// Closes the sockets of a server that will not run.
    package func close() async {
        await discovery?.close()
        await bootServer.close()
    }

    /// Serves until cancelled or gracefully shut down.
    package func run() async throws {
        if discovery != nil {
            logger.info("DHCP serves boot data beside another server", metadata: ["port": "\(ports.discovery ?? 0)"])
        }
        try await withThrowingDiscardingTaskGroup { group in
            let limit = configuration.limits.exchangesMax
            group.addTask {
                await cancelWhenGracefulShutdown { await hosts.follow(verdicts.directory, logger) }
            }
            let isKnown: @Sendable (MACAddress) -> Bool = { [hosts] in hosts.contain($0) }
            if let discovery {
                group.addTask {
                    try await discovery.serve(limit: limit, isKnown: isKnown) {
                        await answer($0, .discovery, discovery)
                    }
                }
            }
            group.addTask {
                try await bootServer.serve(limit: limit, isKnown: isKnown) {
                    await answer($0, .bootServer, bootServer)
                }
            }
        }
    }

    private func answer(_ received: DHCPPort.Received, _ place: ProxyResponder.Port, _ port: DHCPPort) async {
        let packet = received.packet
        // Judged before anybody is asked: most of what a segment says is not for a proxy.
        let preview = responder.respond(to: packet, at: place)
        guard let mac = packet.mac, preview.reply != nil || !preview.events.isEmpty else {
            return tell(preview, of: packet)
        }
        let isKnown = hosts.contain(mac)
        guard traffic.enter(mac, isKnown: isKnown) else {
            port.figures.count { $0.dhcp_dropped += 1 }
            logger.debug(
                "\(DHCPPort.summary(packet)): dropped, there are too many of \(isKnown ? "it" : "new machines")"
            )
            return
        }
        defer { traffic.leave(isKnown: isKnown) }
        let (verdict, isHost) = await verdicts.verdict(on: packet)
        if isHost { hosts.insert(mac) }
        let outcome = responder.respond(to: packet, at: place, verdict: verdict)
        for event in outcome.events { onEvent(event) }
        tell(outcome, of: packet)
        if let reply = outcome.reply { port.send(reply, to: received) }
    }

    private func tell(_ outcome: DHCPOutcome, of packet: DHCPPacket) {
        guard let silence = outcome.silence else { return }
        if silence == .unknownRelay {
            let relay = packet.relayAddress
            return warnings.tell(ofUnknown: .v4(relay), DHCPPort.summary(packet), of: packet.mac, onEvent)
        }
        logger.debug("\(DHCPPort.summary(packet)): no answer, \(silence.rawValue)")
    }
}

/// Why a proxy's port could not be opened.
package struct ProxyPortError: Error, CustomStringConvertible {
    /// True for the port of DHCP, false for 4011.
    package let isDiscovery: Bool
    package let cause: any Error

    package var description: String { "\(cause)" }
}
