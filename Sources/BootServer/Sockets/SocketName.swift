import Glibc
import HostModel
import NIOCore

/// An address with its port, of either family, as the kernel takes and gives it.
struct SocketName: Sendable {
    /// Room for the longer of the two; a `sockaddr_in` where the family is IPv4.
    private var bytes = sockaddr_in6()

    /// `scope` is the number of the interface that a link-local address is of.
    init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        switch address {
        case .v4(let address):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.rawValue.bigEndian
            copy(name)
        case .v6(let address):
            bytes.sin6_family = sa_family_t(AF_INET6)
            (bytes.sin6_port, bytes.sin6_scope_id) = (port.bigEndian, scope)
            withUnsafeMutableBytes(of: &bytes.sin6_addr) { $0.copyBytes(from: address.octets) }
        }
    }

    private mutating func copy(_ name: sockaddr_in) {
        withUnsafeMutableBytes(of: &bytes) { to in withUnsafeBytes(of: name) { to.copyMemory(from: $0) } }
    }

    /// `nil` for a Unix socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let name): copy(name.address)
        case .v6(let name): bytes = name.address
        case .unixDomainSocket: return nil
        }
    }

    /// Reads a name that the kernel writes; `nil` where `body` says that there is none.
    init?(writtenBy body: (UnsafeMutablePointer<sockaddr>?, inout socklen_t) -> Bool) {
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isWritten = withUnsafeMutableBytes(of: &bytes) {
            body($0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        guard isWritten else { return nil }
    }

    private var isIPv6: Bool { bytes.sin6_family == sa_family_t(AF_INET6) }

    /// Both families have it in one place.
    var port: UInt16 { UInt16(bigEndian: bytes.sin6_port) }

    var address: IPAddress {
        withUnsafeBytes(of: bytes) { raw in
            guard isIPv6 else {
                return .v4(IPv4Address(rawValue: raw[4..<8].reduce(0) { $0 << 8 | UInt32($1) }))
            }
            return .v6(IPv6Address(octets: raw[8..<24]) ?? .any)
        }
    }

    /// The same address and port.
    func names(_ other: SocketName) -> Bool { port == other.port && address == other.address }

    func withName<Result>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result) -> Result {
        let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return withUnsafeBytes(of: bytes) {
            body($0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(length))
        }
    }
}
