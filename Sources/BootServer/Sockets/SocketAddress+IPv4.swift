import Glibc
import HostModel
import NIOCore

extension SocketAddress {
    /// The address as ours; `nil` for IPv6 and Unix sockets.
    var ipv4: HostModel.IPv4Address? {
        guard case .v4(let address) = self else { return nil }
        return HostModel.IPv4Address(rawValue: UInt32(bigEndian: address.address.sin_addr.s_addr))
    }
}
