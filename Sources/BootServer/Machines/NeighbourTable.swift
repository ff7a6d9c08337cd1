import Glibc
package import HostModel

/// The kernel's table of the machines on one interface and the addresses they have (ARP), read from /proc/net/arp.
///
/// Whoever talks TCP or TFTP with this server from the same segment is in it.
package struct NeighbourTable: Sendable {
    private let interface: String
    private let text: @Sendable () -> String

    /// The most that is read, in bytes: some 50,000 neighbours; the kernel keeps 1024 unless it is told otherwise.
    private static let bytesMax = 4 << 20
    /// ATF_COM: the neighbour has answered. And the hardware type of Ethernet.
    private static let complete = 0x2
    private static let ethernet = "0x1"

    /// The neighbours on one interface. Another `text` than the kernel's is for tests.
    package init(interface: String, text: (@Sendable () -> String)? = nil) {
        (self.interface, self.text) = (interface, text ?? Self.read)
    }

    /// The machine that has the address; `nil` when the kernel does not know.
    package func machine(at address: IPv4Address) -> MACAddress? {
        let wanted = "\(address)"
        // IP address, HW type, Flags, HW address, Mask, Device.
        for line in text().split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 6, words[0] == wanted, words[1] == Self.ethernet, words[5] == interface,
                let flags = Int(words[2].dropFirst(2), radix: 16), flags & Self.complete != 0
            else { continue }
            return MACAddress(words[3])
        }
        return nil
    }

    @Sendable private static func read() -> String {
        guard let file = fopen("/proc/net/arp", "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < bytesMax {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
