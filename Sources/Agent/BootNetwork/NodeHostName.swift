import Glibc
package import HostModel

/// The machine's own name.
package enum NodeHostName {
    /// What the kernel has; `nil` while nobody has set one.
    package static func current() -> HostName? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        return ["(none)", "localhost", "localhost.localdomain"].contains(text) ? nil : HostName(text)
    }

    /// Needs CAP_SYS_ADMIN; the reason when the system refused.
    package static func set(_ name: HostName) -> String? {
        let bytes = Array(name.rawValue.utf8.prefix(64)).map { CChar(bitPattern: $0) }
        return sethostname(bytes, bytes.count) == 0 ? nil : String(cString: strerror(errno))
    }

    /// `node-3456` of the last four digits of a MAC: names a machine that nobody named.
    package static func fallback(_ mac: MACAddress?) -> HostName? {
        guard let mac else { return HostName("node") }
        return HostName("node-" + mac.hyphenated.filter { $0 != "-" }.suffix(4))
    }
}
