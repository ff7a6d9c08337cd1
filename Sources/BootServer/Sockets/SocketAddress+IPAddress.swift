import Glibc
import HostModel
import NIOCore

extension SocketAddress {
    /// The address as ours; `nil` for IPv6 and Unix sockets.
    var ipv4: HostModel.IPv4Address? { ip?.v4 }

    /// The address as ours; `nil` for Unix sockets.
    var ip: HostModel.IPAddress? { SocketName(self)?.address }
}
