/// A 48-bit Ethernet address (IEEE 802), written `aa:bb:cc:dd:ee:ff`.
package struct MACAddress: Hashable, Sendable {
    /// The address in the low 48 bits; the upper 16 are zero.
    package let rawValue: UInt64

    /// Takes the six octets in wire order; `nil` unless there are exactly six.
    package init?(octets: some Collection<UInt8>) {
        guard octets.count == 6 else { return nil }
        rawValue = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads `aa:bb:cc:dd:ee:ff` or `aa-bb-cc-dd-ee-ff`, in either case; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let separator: Character = text.contains("-") ? "-" : ":"
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var value: UInt64 = 0
        for part in parts {
            guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let octet = UInt8(part, radix: 16) else {
                return nil
            }
            value = value << 8 | UInt64(octet)
        }
        rawValue = value
    }

    /// The six octets in wire order.
    package var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: rawValue >> (40 - 8 * $0)) } }

    /// True for group addresses (broadcast and multicast), which no machine can own.
    package var isMulticast: Bool { rawValue >> 40 & 1 == 1 }

    /// Lower case with hyphens, as GRUB, pxelinux and iPXE's `${mac:hexhyp}` write it.
    package var hyphenated: String { text(separator: "-") }

    private func text(separator: String) -> String {
        octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: separator)
    }
}

extension MACAddress: CustomStringConvertible, Codable {
    package var description: String { text(separator: ":") }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = MACAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected aa:bb:cc:dd:ee:ff")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
