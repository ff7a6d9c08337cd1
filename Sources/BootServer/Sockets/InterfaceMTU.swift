import Glibc

/// The longest IP packet that an interface carries whole.
enum InterfaceMTU {
    /// Ethernet's, for when nobody says which interface.
    private static let standard = 1500

    /// Bytes, as the kernel has it now. One read of /sys, which never waits for a disk.
    static func bytes(of interface: String?) -> Int {
        guard let interface, let file = fopen("/sys/class/net/\(interface)/mtu", "re") else { return standard }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 16)
        guard fgets(&line, CInt(line.count), file) != nil else { return standard }
        let digits = line.prefix { (48...57).contains($0) }.map { UInt8(bitPattern: $0) }
        return Int(String(decoding: digits, as: UTF8.self)) ?? standard
    }
}
