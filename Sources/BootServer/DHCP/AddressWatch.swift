import BootWire
import HostModel
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Finds out which addresses of the pool other machines have, so that none of them is given away.
///
/// Nobody waits for it: every free address is asked for by ARP ahead of time, in rounds, and once more while its offer is on
/// its way. The first keeps an address from being offered, the second from being acknowledged. An interface that is switched
/// off takes the socket with it: a new one is opened when it is back.
final class AddressWatch: Service {
    private let hearing: Mutex<Hearing?>
    private let leases: LeaseStore
    private let own: DHCPSettings
    private let interface: String
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void

    /// A socket, and what is heard on it.
    private struct Hearing: Sendable {
        var socket: ARPSocket
        var channel: any Channel
        var sightings: AsyncStream<ARPPacket>
    }

    /// From the start of one round to the start of the next.
    private static let roundInterval: Duration = .seconds(300)
    /// Questions at once, and the pause after them: a thousand a second, each 42 bytes.
    private static let burst = 50
    private static let burstPause: Duration = .milliseconds(50)
    /// How long machines may take to answer.
    private static let answerWait: Duration = .seconds(2)
    /// Answers that wait to be noted; more are lost, and come again in the next round.
    private static let sightingsMax = 8192
    /// How often an interface that is switched off is looked at.
    private static let reopenInterval: Duration = .seconds(1)

    private init(
        _ hearing: Hearing,
        leases: LeaseStore,
        own: DHCPSettings,
        interface: String,
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) {
        self.hearing = Mutex(hearing)
        (self.leases, self.own, self.interface) = (leases, own, interface)
        (self.logger, self.onEvent) = (logger, onEvent)
    }

    /// Throws `DatagramSocketError` when ARP cannot be heard.
    static func open(
        on card: NetworkCard,
        leases: LeaseStore,
        own: DHCPSettings,
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> AddressWatch {
        AddressWatch(
            try await hear(on: card, own.pool),
            leases: leases,
            own: own,
            interface: card.name,
            logger: logger,
            onEvent: onEvent
        )
    }

    private static func hear(on card: NetworkCard, _ pool: ClosedRange<IPv4Address>) async throws -> Hearing {
        let (sightings, continuation) = AsyncStream.makeStream(
            of: ARPPacket.self,
            bufferingPolicy: .bufferingNewest(sightingsMax)
        )
        let (socket, channel) = try await ARPSocket.open(on: card) { packet in
            if pool.contains(packet.senderAddress) { continuation.yield(packet) }
        }
        channel.closeFuture.whenComplete { _ in continuation.finish() }
        return Hearing(socket: socket, channel: channel, sightings: sightings)
    }

    func close() async {
        let hearing = hearing.withLock { hearing in
            defer { hearing = nil }
            return hearing
        }
        try? await hearing?.channel.close().get()
    }

    /// Asks for an address whose offer goes out now.
    func offered(_ address: IPv4Address) {
        if own.pool.contains(address) { hearing.withLock(\.self)?.socket.ask(address) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while let hearing = self.hearing.withLock(\.self) {
                await self.watch(hearing)
                guard !Task.isCancelled else { break }
                self.logger.warning(
                    "ARP on \(self.interface) is not heard now: addresses are offered without asking who has them"
                )
                guard await self.hearAgain() else { break }
                self.logger.notice("ARP on \(self.interface) is heard again")
            }
        }
        await close()
    }

    /// Until nothing more is heard.
    private func watch(_ hearing: Hearing) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.ask(by: hearing.socket) }
            for await sighting in hearing.sightings { await note(sighting) }
            group.cancelAll()
        }
    }

    /// Waits for the interface, for as long as it takes. False when this is not wanted any more.
    private func hearAgain() async -> Bool {
        try? await hearing.withLock(\.self)?.channel.close().get()
        while (try? await Task.sleep(for: Self.reopenInterval)) != nil {
            guard NetworkCard.isUp(interface), let card = NetworkCard(named: interface),
                let again = try? await Self.hear(on: card, own.pool)
            else { continue }
            hearing.withLock { $0 = again }
            return true
        }
        return false
    }

    private func ask(by socket: ARPSocket) async {
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let free = await leases.unleased()
            // What nobody says again in this round is forgotten at its end.
            let held = await leases.beginRound()
            for begin in stride(from: 0, to: free.count, by: Self.burst) {
                for address in free[begin..<min(begin + Self.burst, free.count)] { socket.ask(address) }
                guard (try? await Task.sleep(for: Self.burstPause)) != nil else { return }
            }
            guard (try? await Task.sleep(for: Self.answerWait)) != nil else { return }
            await leases.endRound(forgetting: held)
            try? await Task.sleep(until: start + Self.roundInterval)
        }
    }

    private func note(_ sighting: ARPPacket) async {
        let address = sighting.senderAddress
        guard await leases.note(address, heldBy: sighting.sender) else { return }
        let detail = "has the address \(address) of the pool, but not from here: it is given to others at the very last"
        onEvent(BootEvent(mac: sighting.sender, stage: .failed, detail: detail, address: address))
    }
}
