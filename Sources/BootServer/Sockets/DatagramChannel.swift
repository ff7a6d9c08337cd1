import NIOCore
import NIOPosix

/// The kernel closed a server's socket while it served.
struct ReceivingEnded: Error, CustomStringConvertible {
    let service: String

    var description: String {
        "\(service) cannot receive any more: its socket was closed; see whether its interface is still there, and start again"
    }
}

/// How the servers receive: NIO on a socket made by `DatagramSocket`.
enum DatagramChannel {
    typealias Receiver = NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>

    /// Takes over a bound socket, which does not read until `receive`.
    /// `batchSize` datagrams are taken in one system call, `datagramMax` bytes kept of each.
    static func open(on descriptor: CInt, batchSize: Int, datagramMax: Int) async throws -> any Channel {
        // Not the bootstrap's async form: in swift-nio 2.101 that one fails with "operation unsupported".
        try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: batchSize * datagramMax))
            .channelOption(.datagramVectorReadMessageCount, value: batchSize)
            .channelOption(.autoRead, value: false)
            .withBoundSocket(descriptor).get()
    }

    /// Begins to read.
    static func receive(from channel: any Channel) async throws -> Receiver {
        let receiver = try await channel.eventLoop.submit { try Receiver(wrappingChannelSynchronously: channel) }.get()
        try await channel.setOption(.autoRead, value: true).get()
        return receiver
    }
}
