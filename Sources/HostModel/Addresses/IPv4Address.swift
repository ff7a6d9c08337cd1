/// An IPv4 address (RFC 791) in host byte order.
package struct IPv4Address: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Reads dotted decimal with exactly four fields of 0 to 255 and no leading zeros; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.first != "0", let octet = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        rawValue = value
    }

    package static let any = IPv4Address(rawValue: 0)
    package static let broadcast = IPv4Address(rawValue: .max)
    package static let loopback = IPv4Address(rawValue: 0x7F00_0001)

    /// The four octets in wire order.
    package var octets: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> (24 - 8 * $0)) } }
}

extension IPv4Address: Comparable, CustomStringConvertible, Codable {
    package static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.rawValue < right.rawValue }

    package var description: String { octets.map(String.init).joined(separator: ".") }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = IPv4Address(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an IPv4 address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
