import BootWire
import HostModel
import Logging
import NIOCore
import ServiceLifecycle

/// Finds out which addresses of the pool other machines have, so that none of them is given away.
///
/// Nobody waits for it: every free address is asked for by ARP ahead of time, in rounds, and once more while its offer is on
/// its way. The first keeps an address from being offered, the second from being acknowledged.
struct AddressWatch: Service {
    private let socket: ARPSocket
    private let channel: any Channel
    private let sightings: AsyncStream<ARPPacket>
    private let leases: LeaseStore
    private let own: DHCPSettings
    private let interface: String
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void

    /// From the start of one round to the start of the next.
    private static let roundInterval: Duration = .seconds(300)
    /// Questions at once, and the pause after them: a thousand a second, each 42 bytes.
    private static let burst = 50
    private static let burstPause: Duration = .milliseconds(50)
    /// How long machines may take to answer.
    private static let answerWait: Duration = .seconds(2)
    /// Answers that wait to be noted; more are lost, and come again in the next round.
    private static let sightingsMax = 8192

    /// Throws `DatagramSocketError` when ARP cannot be heard.
    static func open(
        on card: NetworkCard,
        leases: LeaseStore,
        own: DHCPSettings,
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> AddressWatch {
        let (sightings, continuation) = AsyncStream.makeStream(
            of: ARPPacket.self,
            bufferingPolicy: .bufferingNewest(sightingsMax)
        )
        let (socket, channel) = try await ARPSocket.open(on: card) { packet in
            if own.pool.contains(packet.senderAddress) { continuation.yield(packet) }
        }
        channel.closeFuture.whenComplete { _ in continuation.finish() }
        return AddressWatch(
            socket: socket,
            channel: channel,
            sightings: sightings,
            leases: leases,
            own: own,
            interface: card.name,
            logger: logger,
            onEvent: onEvent
        )
    }

    func close() async { try? await channel.close().get() }

    /// Asks for an address whose offer goes out now.
    func offered(_ address: IPv4Address) {
        if own.pool.contains(address) { socket.ask(address) }
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await ask() }
            await cancelWhenGracefulShutdown {
                for await sighting in sightings { await note(sighting) }
            }
            group.cancelAll()
        }
        if !Task.isShuttingDownGracefully, !Task.isCancelled {
            logger.warning("ARP on \(interface) is no longer heard: addresses are offered without asking who has them")
        }
        await close()
    }

    private func ask() async {
        await cancelWhenGracefulShutdown {
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
    }

    private func note(_ sighting: ARPPacket) async {
        let address = sighting.senderAddress
        guard await leases.note(address, heldBy: sighting.sender) else { return }
        let detail = "has the address \(address) of the pool, but not from here: it is not given to others"
        onEvent(BootEvent(mac: sighting.sender, stage: .failed, detail: detail, address: address))
    }
}
