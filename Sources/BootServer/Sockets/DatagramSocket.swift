import Glibc
import HostModel

/// A bound UDP socket, made by hand because it must be tied to its interface before it is bound: otherwise a reply to
/// 255.255.255.255 leaves by the default route, and two servers on two interfaces could not share a port.
struct DatagramSocket: ~Copyable {
    private let descriptor: CInt

    /// A storm of a thousand machines must fit while the loop is busy; the kernel's default holds about 300 messages.
    private static let receiveBufferBytes: CInt = 4 << 20

    private init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Port 0 takes any free one.
    static func bound(
        to address: IPv4Address,
        port: UInt16,
        interface: String? = nil,
        isServer: Bool = false
    ) throws(DatagramSocketError) -> DatagramSocket {
        try bound(to: .v4(address), port: port, interface: interface, isServer: isServer)
    }

    /// Port 0 takes any free one. IPv6's takes nothing of IPv4.
    static func bound(
        to address: IPAddress,
        port: UInt16,
        interface: String? = nil,
        isServer: Bool = false
    ) throws(DatagramSocketError) -> DatagramSocket {
        let family = address.v6 == nil ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw DatagramSocketError("open a UDP socket") }
        let socket = DatagramSocket(owning: descriptor)
        try socket.configure(interface: interface, isServer: isServer)
        if family == AF_INET6 { socket.set(IPV6_V6ONLY, 1, level: Int32(IPPROTO_IPV6)) }
        let result = SocketName(address, port: port).withName { bind(descriptor, $0, $1) }
        guard result == 0 else {
            throw DatagramSocketError("bind UDP port \(port) of \(address)", remedy: Self.bindRemedy(errno))
        }
        return socket
    }

    /// The first port of a range that is free, beginning at any of them, so that a port is not used again at once.
    static func bound(
        to address: IPAddress,
        ports: ClosedRange<UInt16>,
        interface: String? = nil
    ) throws(DatagramSocketError) -> DatagramSocket {
        let start = UInt16.random(in: ports)
        var last = start
        for port in [start...ports.upperBound, ports.lowerBound...start].joined() {
            do throws(DatagramSocketError) {
                return try bound(to: address, port: port, interface: interface)
            } catch {
                guard error.code == EADDRINUSE else { throw error }
                last = port
            }
        }
        // All are taken: the reason of the last one is said.
        return try bound(to: address, port: last, interface: interface)
    }

    private borrowing func configure(interface: String?, isServer: Bool) throws(DatagramSocketError) {
        if let interface {
            let name = Array(interface.utf8)
            let result = name.withUnsafeBytes {
                setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, $0.baseAddress, socklen_t($0.count))
            }
            guard result == 0 else {
                throw DatagramSocketError(
                    "use the interface \(interface)",
                    remedy: "Give the name that `ip link` shows"
                )
            }
        }
        guard isServer else { return }
        // Never SO_REUSEADDR: for UDP it lets a second server bind the port, and each gets some of the packets.
        set(SO_BROADCAST, 1)
        set(SO_RCVBUF, Self.receiveBufferBytes)
        set(SO_RCVBUFFORCE, Self.receiveBufferBytes)
    }

    /// For options that only make things better: the kernel may refuse.
    private borrowing func set(_ option: CInt, _ value: CInt, level: CInt = SOL_SOCKET) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Hears what is sent to a group of IPv6 on an interface, given by its number.
    borrowing func join(_ group: IPv6Address, on interface: Int32) throws(DatagramSocketError) {
        // `struct ipv6_mreq` of ipv6(7): the group, and the interface's number.
        let request = group.octets + withUnsafeBytes(of: UInt32(interface)) { Array($0) }
        let length = socklen_t(request.count)
        guard setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, request, length) == 0 else {
            throw DatagramSocketError("listen to \(group)")
        }
    }

    private static func bindRemedy(_ code: CInt) -> String? {
        switch code {
        case EADDRINUSE: "Stop the other server (`ss -lunp` shows it), or give another port"
        case EACCES: "Run with CAP_NET_BIND_SERVICE, or give a port above 1023"
        case EADDRNOTAVAIL: "Give an address of this machine"
        default: nil
        }
    }

    /// A second descriptor of the same socket, for sending.
    borrowing func sender() throws(DatagramSocketError) -> DatagramSender {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw DatagramSocketError("copy a socket") }
        return DatagramSender(owning: copy)
    }

    /// A second descriptor of the same socket, on its way to another thread, which closes it.
    borrowing func copy() throws(DatagramSocketError) -> Taken { try Self.copy(of: descriptor) }

    static func copy(of descriptor: CInt) throws(DatagramSocketError) -> Taken {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw DatagramSocketError("copy a socket") }
        return Taken(descriptor: copy)
    }

    /// A descriptor on its way to another thread, which closes it.
    struct Taken: Sendable { let descriptor: CInt }

    /// Gives the descriptor away, to a thread of our own.
    consuming func taken() -> Taken { Taken(descriptor: take()) }

    /// Gives the descriptor away, to NIO.
    consuming func take() -> CInt {
        let taken = descriptor
        discard self
        return taken
    }
}

/// Why a socket could not be made.
package struct DatagramSocketError: Error, Hashable, CustomStringConvertible {
    /// `errno`.
    package let code: CInt
    package let operation: String
    /// What to do.
    package let remedy: String?

    /// Reads `errno`.
    init(_ operation: String, remedy: String? = nil) {
        (code, self.operation, self.remedy) = (errno, operation, remedy)
    }

    /// One sentence without its end: "could not bind UDP port 67 of 0.0.0.0: Address already in use".
    package var cause: String { "could not \(operation): \(String(cString: strerror(code)))" }

    package var description: String { cause + (remedy.map { "; \($0)" } ?? "") }
}

/// Sends on a socket that NIO receives on.
///
/// NIO closes a datagram channel when one send fails for a reason such as "network unreachable" or a firewall's refusal.
/// A server that every machine shares must not end because of one reply.
final class DatagramSender: Sendable {
    private let descriptor: CInt

    fileprivate init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Sends one datagram now, or not at all. Returns the error's text when the kernel refuses it.
    func send(_ bytes: some Sequence<UInt8>, to address: IPv4Address, port: UInt16) -> String? {
        send(bytes, to: SocketName(.v4(address), port: port))
    }

    /// The same for either family.
    func send(_ bytes: some Sequence<UInt8>, to name: SocketName) -> String? {
        let payload = Array(bytes)
        let sent = name.withName { sendto(descriptor, payload, payload.count, CInt(MSG_DONTWAIT), $0, $1) }
        return sent < 0 ? String(cString: strerror(errno)) : nil
    }
}
