import HostModel
import NIOCore
import Synchronization

/// Lets datagrams in while there is room for them, and drops the others on the event loop, where that costs next to nothing.
///
/// Behind it wait tasks of a pool that strangers can keep busy: what is dropped there only after waiting for its turn makes
/// everybody wait. Machines that are known have room of their own.
final class DatagramValve: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = Admitted

    /// A datagram that was let in. `leave` is to be called once, when it was dealt with.
    struct Admitted: Sendable {
        var datagram: AddressedEnvelope<ByteBuffer>
        fileprivate var gate: Gate

        func leave() { gate.leave() }
    }

    typealias Receiver = NIOAsyncChannel<Admitted, AddressedEnvelope<ByteBuffer>>

    private let known: Gate
    private let strangers: Gate
    private let isKnown: @Sendable (AddressedEnvelope<ByteBuffer>) -> Bool
    private let figures: BootFigures

    /// `limit` of known machines, and half as many strangers. `isKnown` may say yes to some who are not: it is asked for each
    /// datagram, and judged better later.
    init(
        limit: Int,
        figures: BootFigures,
        isKnown: @escaping @Sendable (AddressedEnvelope<ByteBuffer>) -> Bool
    ) {
        (known, strangers) = (Gate(limit: limit), Gate(limit: max(1, limit / 2)))
        (self.isKnown, self.figures) = (isKnown, figures)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = unwrapInboundIn(data)
        let gate = isKnown(datagram) ? known : strangers
        let isLetIn = gate.enter()
        figures.count { counters in
            counters.dhcp_received += 1
            if !isLetIn { counters.dhcp_dropped += 1 }
        }
        if isLetIn { context.fireChannelRead(wrapInboundOut(Admitted(datagram: datagram, gate: gate))) }
    }

    /// Begins to read from a channel of `DatagramChannel.open`.
    static func receive(
        from channel: any Channel,
        limit: Int,
        figures: BootFigures,
        isKnown: @escaping @Sendable (AddressedEnvelope<ByteBuffer>) -> Bool
    ) async throws -> Receiver {
        // What waits is bounded by the gates; reading never stops for it, so that the kernel's queue is always empty.
        let strategy = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
            lowWatermark: limit * 2,
            highWatermark: limit * 4
        )
        let receiver = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(
                DatagramValve(limit: limit, figures: figures, isKnown: isKnown)
            )
            return try Receiver(
                wrappingChannelSynchronously: channel,
                configuration: .init(backPressureStrategy: strategy)
            )
        }.get()
        try await channel.setOption(.autoRead, value: true).get()
        return receiver
    }
}

/// The cards of machines that are known: those with a lease or a kept address; for each datagram, so without waiting.
final class KnownCards: Sendable {
    private let cards = Mutex<Set<MACAddress>>([])

    func contain(_ mac: MACAddress) -> Bool { cards.withLock { $0.contains(mac) } }

    func insert(_ mac: MACAddress) { cards.withLock { _ = $0.insert(mac) } }

    func replace(with all: Set<MACAddress>) { cards.withLock { $0 = all } }

    /// The card that a datagram of DHCP names (chaddr), before it is read; `nil` where there is none.
    static func card(in datagram: ByteBuffer) -> MACAddress? {
        datagram.getBytes(at: datagram.readerIndex + 28, length: 6).flatMap { MACAddress(octets: $0) }
    }
}
