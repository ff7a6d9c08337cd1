import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Which machines said last, and when, that they write a crash dump: fence_kdump's datagrams. In memory only: a machine says it
/// every few seconds.
final class CrashDumps: Sendable {
    private let heard = Mutex<[String: Int64]>([:])

    /// Addresses that are remembered; when there are more, the oldest half is forgotten.
    static let addressesMax = 4096
    /// fence_kdump_msg: this magic number and a version, in the sender's byte order.
    private static let magic: UInt32 = 0x1B30_2A40

    func last(from address: String) -> Int64? { heard.withLock { $0[address] } }

    /// Takes what came from `address`; anything else than such a message is no word of a dump.
    func take(_ bytes: ByteBuffer, from address: String, at now: Int64) {
        var bytes = bytes
        guard bytes.readableBytes == 8, let magic = bytes.readInteger(endianness: .little, as: UInt32.self),
            magic == Self.magic || magic == Self.magic.byteSwapped
        else { return }
        heard.withLock { heard in
            if heard.count >= Self.addressesMax, heard[address] == nil {
                let middle = heard.values.sorted()[heard.count / 2]
                heard = heard.filter { $0.value > middle }
            }
            heard[address] = now
        }
    }
}

extension HostEngine {
    /// Listens until the task is cancelled. A port that is taken is told and does not stop the engine.
    func listenForDumps() async {
        guard let port = settings.kdumpPort else { return }
        do {
            let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { [dumps, settings] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(DumpReader(dumps: dumps, clock: settings.clock))
                    }
                }
                .bind(host: "0.0.0.0", port: Int(port)).get()
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            logger.error("Crash dumps of hosts are not heard of: UDP port \(port) cannot be listened to: \(error)")
        }
    }
}

private final class DumpReader: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let dumps: CrashDumps
    private let clock: WallClock

    init(dumps: CrashDumps, clock: WallClock) { (self.dumps, self.clock) = (dumps, clock) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let address = envelope.remoteAddress.ipAddress else { return }
        dumps.take(envelope.data, from: address, at: clock.now())
    }
}
