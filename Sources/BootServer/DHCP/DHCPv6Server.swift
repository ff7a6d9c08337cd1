import BootWire
import HostModel
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// DHCPv6 on one interface: datagrams in, the responder's decision, datagrams out. Keeps nothing: addresses are computed.
final class DHCPv6Server: Service {
    struct Configuration: Sendable {
        var port: UInt16 = 547
        /// Where clients listen.
        var clientPort: UInt16 = 546
        var limits = DHCPLimits()
    }

    /// Whom it asks and tells.
    struct Surroundings: Sendable {
        var verdicts: BootVerdicts
        /// Learns which machine got which address.
        var given: GivenAddresses
        var figures: BootFigures
        var logger: Logger
        /// Called for every step of a boot; must not block.
        var onEvent: @Sendable (BootEvent) -> Void
    }

    private let configuration: Configuration
    private let surroundings: Surroundings
    private let card: NetworkCard
    private let channel: any Channel
    private let sender: DatagramSender
    private let responder: DHCPv6Responder
    private let addresses = Mutex(StableAddresses())
    private let traffic: DHCPTraffic
    private let hosts = KnownHosts()
    private let warnings: SparingWarnings
    private let start = ContinuousClock.now

    /// All servers and relays of a link, and all servers of a site, to whom relays send that were told of none (RFC 8415, section
    /// 7.1).
    private static let groups = [
        IPv6Address(high: 0xFF02_0000_0000_0000, low: 0x0001_0002),
        IPv6Address(high: 0xFF05_0000_0000_0000, low: 0x0001_0003),
    ]
    private static let batchSize = 16
    private static let datagramMax = 2048

    /// Binds the socket; `run` serves it. Throws `DatagramSocketError` when the port or the interface cannot be had.
    static func open(
        on card: NetworkCard,
        responder: DHCPv6Responder,
        _ configuration: Configuration,
        _ surroundings: Surroundings
    ) async throws -> DHCPv6Server {
        let socket = try DatagramSocket.bound(
            to: .v6(.any),
            port: configuration.port,
            interface: card.name,
            isServer: true
        )
        for group in groups { try socket.join(group, on: card.index) }
        let sender = try socket.sender()
        let channel = try await DatagramChannel.open(
            on: socket.take(),
            batchSize: batchSize,
            datagramMax: datagramMax
        )
        return DHCPv6Server(configuration, surroundings, card, channel, sender, responder)
    }

    private init(
        _ configuration: Configuration,
        _ surroundings: Surroundings,
        _ card: NetworkCard,
        _ channel: any Channel,
        _ sender: DatagramSender,
        _ responder: DHCPv6Responder
    ) {
        (self.configuration, self.surroundings, self.card) = (configuration, surroundings, card)
        (self.channel, self.sender, self.responder) = (channel, sender, responder)
        traffic = DHCPTraffic(configuration.limits)
        warnings = SparingWarnings(surroundings.logger)
    }

    /// Closes the socket of a server that will not run.
    func close() async { try? await channel.close().get() }

    /// Serves until cancelled or gracefully shut down.
    func run() async throws {
        let what = responder.settings.givesAddresses ? "addresses of" : "boot data to machines of"
        let links = ([responder.settings.link] + responder.settings.relayed).map(\.description)
        surroundings.logger.info("DHCPv6 gives \(what) \(links.joined(separator: ", "))")
        let limit = configuration.limits.exchangesMax
        let channel = try await DatagramValve.receive(
            from: channel,
            limit: limit,
            figures: surroundings.figures
        ) { [hosts, responder] datagram in
            // Firmware asks from an address that is made of its card's. What a relay says of it counts only of one that is believed.
            guard let source = datagram.remoteAddress.ip?.v6 else { return false }
            let peer = DHCPv6Request.peer(peeking: datagram.data)
            guard responder.settings.isAnswered(source, isRelay: peer != nil) else { return false }
            return (peer ?? source).cardOfLinkLocal.map { hosts.contain($0) } ?? false
        }
        try await channel.executeThenClose { inbound, _ in
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { [hosts, surroundings] in
                    await hosts.follow(surroundings.verdicts.directory, surroundings.logger)
                }
                for try await admitted in inbound.cancelOnGracefulShutdown() {
                    group.addTask {
                        await self.answer(admitted.datagram)
                        admitted.leave()
                    }
                }
                group.cancelAll()
            }
        }
        guard Task.isShuttingDownGracefully || Task.isCancelled else { throw ReceivingEnded(service: "DHCPv6") }
    }

    private func answer(_ datagram: AddressedEnvelope<ByteBuffer>) async {
        let logger = surroundings.logger
        guard let source = SocketName(datagram.remoteAddress), source.port > 0, let address = source.address.v6 else {
            return
        }
        let request: DHCPv6Request
        do throws(DHCPv6WireError) { request = try DHCPv6Request(parsing: datagram.data) } catch {
            return logger.debug("dropped a datagram of DHCPv6: \(error)")
        }
        guard let client = DHCPv6Client(of: request, from: address) else {
            return logger.debug("dropped a datagram of DHCPv6: the client's identifier is none")
        }
        let isRelay = !request.relays.isEmpty
        guard responder.settings.isAnswered(address, isRelay: isRelay) else {
            guard isRelay else { return }
            let name = "\(request.message.type) of \(client.mac.map { "\($0)" } ?? "a machine")"
            return warnings.tell(ofUnknown: source.address, name, of: client.mac, surroundings.onEvent)
        }
        // Those whose card nobody can tell share what one machine has.
        let mac = client.mac ?? card.mac
        let isKnown = hosts.contain(mac)
        guard traffic.enter(mac, isKnown: isKnown) else {
            surroundings.figures.count { $0.dhcp_dropped += 1 }
            return logger.debug("\(request.message.type) of \(mac): dropped, there are too many")
        }
        defer { traffic.leave(isKnown: isKnown) }
        await answer(request, client, to: source)
    }

    private func answer(_ request: DHCPv6Request, _ client: DHCPv6Client, to source: SocketName) async {
        var verdict = DHCPResponder.BootVerdict.allowed
        if let mac = client.mac {
            let answer = await surroundings.verdicts.verdict(on: client.boot, mac, client.hardwareID)
            if answer.isHost { hosts.insert(mac) }
            verdict = answer.verdict
        }
        let now = ContinuousClock.now - start
        let outcome = responder.respond(
            to: request,
            from: client,
            addresses: addresses.withLock(\.self),
            verdict: verdict,
            now: now
        )
        addresses.withLock { addresses in
            for declined in outcome.declined {
                addresses.decline(
                    declined.address,
                    by: client.identifier,
                    association: declined.association,
                    at: now
                )
            }
        }
        if let mac = client.mac { for given in outcome.given { surroundings.given.note(given, of: mac) } }
        for event in outcome.events { surroundings.onEvent(event) }
        let name = "\(request.message.type) of \(client.mac.map { "\($0)" } ?? "\(source.address)")"
        guard let reply = outcome.reply else {
            return surroundings.logger.debug("\(name): no answer, \(outcome.silence?.rawValue ?? "nothing to say")")
        }
        send(request.wrapped(reply), to: source.address, port: port(for: request, source), name)
    }

    /// Relays listen where servers do, but for those that say otherwise.
    private func port(for request: DHCPv6Request, _ source: SocketName) -> UInt16 {
        guard !request.relays.isEmpty else { return configuration.clientPort }
        return request.isAnsweredToSourcePort ? source.port : configuration.port
    }

    private func send(_ bytes: ByteBuffer, to address: IPAddress, port: UInt16, _ name: String) {
        let peer = SocketName(address, port: port, scope: address.v6?.isLinkLocal == true ? UInt32(card.index) : 0)
        if let error = sender.send(bytes.readableBytesView, to: peer) {
            warnings.warn("\(name): could not answer to \(address): \(error)")
        } else {
            surroundings.figures.count { $0.dhcp_answered += 1 }
            surroundings.logger.debug("\(name): answered")
        }
    }
}
