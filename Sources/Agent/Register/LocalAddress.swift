import Glibc
package import HostModel
import NIOPosix

/// Which of this machine's addresses the engine will see: the one that the kernel would send from. No packet is sent.
package enum LocalAddress {
    /// The IPv4 addresses of a host; empty when the name is not known. Blocks, so it runs on NIO's thread pool.
    package static func resolve(_ host: HostName) async -> [IPv4Address] {
        if let address = IPv4Address(host.rawValue) { return [address] }
        let resolved = try? await NIOThreadPool.singleton.runIfActive { lookUp(host.rawValue) }
        return resolved ?? []
    }

    /// `nil` when there is no way to the address.
    package static func towards(_ address: IPv4Address, port: UInt16) -> IPv4Address? {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var peer = InternetSocketAddress(port: port == 0 ? 9 : port, address: address)
        var own = InternetSocketAddress(port: 0, address: .any)
        var length = socklen_t(MemoryLayout<InternetSocketAddress>.size)
        let isConnected = withSocketAddress(&peer) { connect(descriptor, $0, length) } == 0
        guard isConnected, withSocketAddress(&own, { getsockname(descriptor, $0, &length) }) == 0 else { return nil }
        return own.ipv4
    }

    private static func withSocketAddress(
        _ address: inout InternetSocketAddress,
        _ body: (UnsafeMutablePointer<sockaddr>) -> Int32
    ) -> Int32 {
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }

    private static func lookUp(_ host: String) -> [IPv4Address] {
        var hints = addrinfo()
        (hints.ai_family, hints.ai_socktype) = (AF_INET, Int32(SOCK_STREAM.rawValue))
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPv4Address] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            guard let address = entry.pointee.ai_addr else { continue }
            addresses.append(
                address.withMemoryRebound(to: InternetSocketAddress.self, capacity: 1) { $0.pointee.ipv4 }
            )
        }
        return addresses
    }
}

/// `struct sockaddr_in` as ip(7) lays it out. Its own type, because the C type's fields come out of whichever module of the
/// packages below was read first, and that differs from build to build.
private struct InternetSocketAddress {
    private var family = UInt16(AF_INET)
    private var port: UInt16
    private var address: UInt32
    private var zero: UInt64 = 0

    init(port: UInt16, address: IPv4Address) {
        (self.port, self.address) = (port.bigEndian, address.rawValue.bigEndian)
    }

    var ipv4: IPv4Address { IPv4Address(rawValue: UInt32(bigEndian: address)) }
}
