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
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = (port == 0 ? 9 : port).bigEndian
        peer.sin_addr.s_addr = address.rawValue.bigEndian
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withSocketAddress(&peer) { connect(descriptor, $0, length) } == 0
        guard isConnected, withSocketAddress(&own, { getsockname(descriptor, $0, &length) }) == 0 else { return nil }
        return IPv4Address(rawValue: UInt32(bigEndian: own.sin_addr.s_addr))
    }

    private static func withSocketAddress(
        _ address: inout sockaddr_in,
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
                address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    IPv4Address(rawValue: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
                }
            )
        }
        return addresses
    }
}
