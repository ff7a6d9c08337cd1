import BootWire
import HostModel
import Logging
import ServiceLifecycle
import Synchronization

/// Other DHCP servers on the segment: asked for now and then, as a machine would, and overheard in what machines choose.
final class OtherServers: Service {
    private let card: NetworkCard
    private let server: IPv4Address
    private let serverPort: UInt16
    private let clientPort: UInt16
    private let transactionID = UInt32.random(in: .min ... .max)
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void
    private let told = Mutex<[IPv4Address: ContinuousClock.Instant]>([:])

    /// How long an answer may take: dnsmasq pings an address for three seconds first.
    static let answerWait: Duration = .seconds(4)
    private static let interval: Duration = .seconds(300)
    /// Each server is told of once in so long.
    private static let tellInterval: Duration = .seconds(3600)
    /// More servers than that are told of together.
    private static let toldMax = 64
    /// Answers that are read at once.
    private static let answersMax = 16

    init(
        card: NetworkCard,
        server: IPv4Address,
        serverPort: UInt16 = 67,
        clientPort: UInt16 = 68,
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) {
        (self.card, self.server, self.serverPort, self.clientPort) = (card, server, serverPort, clientPort)
        (self.logger, self.onEvent) = (logger, onEvent)
    }

    /// True for the question of this process, which its own server hears too.
    func asked(_ packet: DHCPPacket) -> Bool { packet.transactionID == transactionID && packet.mac == card.mac }

    /// Asks, and gives the servers that answered in time. Throws `DatagramSocketError` when the port of clients is not to
    /// be had, for example because this machine has a DHCP client itself.
    func look(within wait: Duration = answerWait) async throws -> Set<IPv4Address> {
        let port = try await DHCPPort.open(
            interface: card.name,
            address: .any,
            port: clientPort,
            peers: .init(relayPort: serverPort, clientPort: clientPort),
            logger: logger
        )
        let (answers, answered) = AsyncStream.makeStream(
            of: IPv4Address.self,
            bufferingPolicy: .bufferingOldest(Self.toldMax)
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await port.serve(limit: Self.answersMax) { received in
                    let packet = received.packet
                    guard packet.operation == .reply, self.asked(packet), packet.messageType == .offer,
                        let other = packet.serverIdentifier, other != self.server, packet.yourAddress != .any
                    else { return }
                    answered.yield(other)
                }
            }
            // Twice: one datagram may be lost.
            for _ in 0..<2 {
                port.broadcast(question, to: serverPort)
                try? await Task.sleep(for: wait / 2)
            }
            group.cancelAll()
        }
        answered.finish()
        return await answers.reduce(into: Set()) { $0.insert($1) }
    }

    private var question: DHCPPacket {
        var packet = DHCPPacket(
            operation: .request,
            transactionID: transactionID,
            mac: card.mac,
            options: [.messageType(.discover), .parameterRequestList([.subnetMask, .router])]
        )
        packet.isBroadcast = true
        return packet
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    for other in try await self.look() { self.tell(of: other, self.card.mac, "answers on") }
                } catch {
                    self.logger.debug("other DHCP servers cannot be asked for: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// A machine chose the address of another server.
    func wasChosen(_ other: IPv4Address, by mac: MACAddress) {
        if other != server { tell(of: other, mac, "gave this machine its address on") }
    }

    private func tell(of other: IPv4Address, _ mac: MACAddress, _ what: String) {
        let isNews = told.withLock { told in
            let now = ContinuousClock.now
            if let last = told[other], now - last < Self.tellInterval { return false }
            told = told.filter { now - $0.value < Self.tellInterval }
            guard told[other] != nil || told.count < Self.toldMax else { return false }
            told[other] = now
            return true
        }
        guard isNews else { return }
        let text = "another DHCP server, \(other), \(what) \(card.name): stop it, or run this one with --dhcp proxy"
        logger.warning("\(text)")
        onEvent(BootEvent(mac: mac, stage: .failed, detail: text, address: other))
    }
}
