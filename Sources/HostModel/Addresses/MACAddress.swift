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
        // Lists of hosts read one for each: bytes, in one pass.
        var (value, count, separator) = (UInt64(0), 0, UInt8(ascii: ":"))
        for byte in text.utf8 {
            if count == 2, byte == UInt8(ascii: "-") { separator = byte }
            if count % 3 == 2 {
                guard byte == separator else { return nil }
            } else {
                guard let digit = Self.digit(byte) else { return nil }
                value = value << 4 | digit
            }
            count += 1
            guard count <= 17 else { return nil }
        }
        guard count == 17 else { return nil }
        rawValue = value
    }

    /// The value of a hexadecimal digit.
    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
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
