import BootWire
import Glibc
import HostModel
import NIOCore
import NIOPosix

/// Sends and hears ARP on one Ethernet interface. Needs CAP_NET_RAW.
final class ARPSocket: Sendable {
    private let descriptor: CInt
    private let mac: MACAddress

    /// Its own descriptor, for sending; receiving is NIO's.
    private init(owning descriptor: CInt, mac: MACAddress) { (self.descriptor, self.mac) = (descriptor, mac) }

    deinit { close(descriptor) }

    /// `sockaddr_ll` of linux/if_packet.h, which Glibc's module does not show.
    private struct LinkAddress {
        var family = UInt16(AF_PACKET)
        var ethernetType = ARPPacket.etherType.bigEndian
        var interface: Int32
        var hardwareType: UInt16 = 0
        var packetType: UInt8 = 0
        var length: UInt8 = 0
        var address: (UInt32, UInt32) = (0, 0)
    }

    /// Opens a socket that hears every ARP message of the interface, and hands each to `onPacket` on an event loop.
    static func open(
        on interface: NetworkCard,
        onPacket: @escaping @Sendable (ARPPacket) -> Void
    ) async throws -> (socket: ARPSocket, channel: any Channel) {
        let kind = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        // Of no protocol, so that it hears nothing before it is bound to its interface and to ARP.
        let descriptor = socket(AF_PACKET, kind, 0)
        guard descriptor >= 0 else {
            throw DatagramSocketError("listen to ARP", remedy: "Run with CAP_NET_RAW")
        }
        var name = LinkAddress(interface: interface.index)
        let bound = withUnsafeBytes(of: &name) {
            bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        let copy = bound == 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : -1
        guard copy >= 0 else {
            let error = DatagramSocketError("listen to ARP on \(interface.name)")
            close(descriptor)
            throw error
        }
        let socket = ARPSocket(owning: copy, mac: interface.mac)
        do {
            return (socket, try await receive(on: descriptor, onPacket))
        } catch {
            // What NIO did not take stays ours.
            close(descriptor)
            throw error
        }
    }

    private static func receive(
        on descriptor: CInt,
        _ onPacket: @escaping @Sendable (ARPPacket) -> Void
    ) async throws -> any Channel {
        try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(onPacket: onPacket))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor).get()
    }

    /// Asks who has an address. An answer, if there is one, comes as any other message.
    func ask(_ address: IPv4Address) {
        let frame = Array(ARPPacket(asking: address, from: mac).encoded.readableBytesView)
        _ = send(descriptor, frame, frame.count, CInt(MSG_DONTWAIT))
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let onPacket: @Sendable (ARPPacket) -> Void

        init(onPacket: @escaping @Sendable (ARPPacket) -> Void) { self.onPacket = onPacket }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            // A read of a packet socket is one frame.
            if let packet = ARPPacket(parsing: unwrapInboundIn(data)) { onPacket(packet) }
        }
    }
}

/// What the kernel says of an Ethernet interface.
struct NetworkCard: Hashable, Sendable {
    var name: String
    var index: Int32
    var mac: MACAddress

    /// ARPHRD_ETHER of linux/if_arp.h.
    private static let ethernet = "1"

    init(name: String, index: Int32, mac: MACAddress) { (self.name, self.index, self.mac) = (name, index, mac) }

    /// `nil` when there is no such interface, or it is not Ethernet.
    init?(named name: String) {
        let index = if_nametoindex(name)
        guard index > 0, Self.text("type", of: name) == Self.ethernet,
            let mac = Self.text("address", of: name).flatMap({ MACAddress($0) })
        else { return nil }
        (self.name, self.index, self.mac) = (name, Int32(index), mac)
    }

    /// True while it is switched on (IFF_UP). False when it is gone.
    static func isUp(_ name: String) -> Bool {
        let flags = text("flags", of: name).flatMap { UInt32($0.dropFirst(2), radix: 16) }
        return flags.map { $0 & UInt32(IFF_UP) != 0 } ?? false
    }

    private static func text(_ attribute: String, of name: String) -> String? {
        guard let file = fopen("/sys/class/net/\(name)/\(attribute)", "re") else { return nil }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 64)
        let count = fread(&line, 1, line.count, file)
        return String(validating: line.prefix(count).prefix { $0 > 0x20 }, as: UTF8.self)
    }
}
