/// Where a device sits on PCI, as the kernel writes it: domain, bus, slot and function, `0000:05:00.0`.
package struct PCIAddress: Hashable, Sendable {
    /// The kernel's name of the device, in lower case.
    package let rawValue: String

    /// Hexadecimal digits of domain, bus, slot and function. Controllers that make domains of their own have longer ones.
    private static let widths = [4...8, 2...2, 2...2, 1...1]

    /// The kernel's name: `0000:05:00.0`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let last = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        self.init(parts: parts[..<2].map { String($0) } + last.map { String($0) })
    }

    /// libvirt's name: `pci_0000_05_00_0`.
    package init?(libvirtName: some StringProtocol) {
        let parts = libvirtName.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.first == "pci" else { return nil }
        self.init(parts: parts.dropFirst().map { String($0) })
    }

    private init?(parts: [String]) {
        guard parts.count == Self.widths.count else { return nil }
        for (part, width) in zip(parts, Self.widths) {
            guard width.contains(part.utf8.count), part.utf8.allSatisfy(Self.isHexadecimal) else { return nil }
        }
        rawValue = "\(parts[0]):\(parts[1]):\(parts[2]).\(parts[3])".lowercased()
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    package var libvirtName: String { "pci_" + String(rawValue.map { $0 == ":" || $0 == "." ? "_" : $0 }) }
}

extension PCIAddress: CustomStringConvertible {
    package var description: String { rawValue }
}
