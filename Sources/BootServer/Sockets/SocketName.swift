import Glibc
import HostModel
import NIOCore

/// An address with its port, of either family, as the kernel takes and gives it.
struct SocketName: Sendable {
    /// `struct sockaddr_in6` as ipv6(7) lays it out, and over it `struct sockaddr_in` of ip(7); numbers as on the wire. Its own
    /// type, because the fields of the C types come out of whichever module of the build was first to read their header.
    private struct Bytes {
        var family: UInt16 = 0
        var port: UInt16 = 0
        /// IPv4's address; IPv6's flow.
        var short: UInt32 = 0
        var high: UInt64 = 0
        var low: UInt64 = 0
        var scope: UInt32 = 0
    }

    private static let ipv4Length = 16
    private static let ipv6Length = 28

    private var bytes = Bytes()

    /// `scope` is the number of the interface that a link-local address is of.
    init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        bytes.port = port.bigEndian
        switch address {
        case .v4(let address): (bytes.family, bytes.short) = (UInt16(AF_INET), address.rawValue.bigEndian)
        case .v6(let address):
            (bytes.family, bytes.scope) = (UInt16(AF_INET6), scope)
            (bytes.high, bytes.low) = (address.high.bigEndian, address.low.bigEndian)
        }
    }

    /// `nil` for a Unix socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let name): withUnsafeBytes(of: name.address) { copy($0) }
        case .v6(let name): withUnsafeBytes(of: name.address) { copy($0) }
        case .unixDomainSocket: return nil
        }
    }

    private mutating func copy(_ name: UnsafeRawBufferPointer) {
        withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: name.prefix(Self.ipv6Length)) }
    }

    /// Reads a name that the kernel writes; `nil` where `body` says that there is none.
    init?(writtenBy body: (UnsafeMutablePointer<sockaddr>?, inout socklen_t) -> Bool) {
        var length = socklen_t(Self.ipv6Length)
        let isWritten = withUnsafeMutableBytes(of: &bytes) {
            body($0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        guard isWritten else { return nil }
    }

    private var isIPv6: Bool { bytes.family == UInt16(AF_INET6) }

    var port: UInt16 { UInt16(bigEndian: bytes.port) }

    var address: IPAddress {
        guard isIPv6 else { return .v4(IPv4Address(rawValue: UInt32(bigEndian: bytes.short))) }
        return .v6(IPv6Address(high: UInt64(bigEndian: bytes.high), low: UInt64(bigEndian: bytes.low)))
    }

    /// The same address and port.
    func names(_ other: SocketName) -> Bool { port == other.port && address == other.address }

    func withName<Result>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result) -> Result {
        withUnsafeBytes(of: bytes) {
            body(
                $0.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(isIPv6 ? Self.ipv6Length : Self.ipv4Length)
            )
        }
    }
}
