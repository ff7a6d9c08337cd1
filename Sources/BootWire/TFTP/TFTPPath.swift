/// A file name that a client asked for, made safe: components below the server's root, none of them `.` or `..`.
package struct TFTPPath: Hashable, Sendable {
    /// One to `componentsMax` names, each printable and without a slash.
    package let components: [String]

    /// The deepest path taken.
    package static let componentsMax = 16

    /// Takes what firmware sends for a name: leading, doubled and backward slashes, `./`, and 0xFF behind a name that DHCP
    /// gave without its NUL. `nil` for `..`, control characters, what is not UTF-8, and names with nothing left.
    package init?(_ bytes: [UInt8]) {
        var bytes = bytes[...]
        while bytes.last == 0xFF { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        else { return nil }
        let components = text.split { $0 == "/" || $0 == "\\" }.map(String.init).filter { $0 != "." }
        guard (1...Self.componentsMax).contains(components.count), !components.contains("..") else { return nil }
        self.components = components
    }
}

extension TFTPPath: CustomStringConvertible {
    package var description: String { components.joined(separator: "/") }
}
