/// An address with its prefix length, `10.77.0.1/24`: what an interface carries, and the network that it names (RFC 4632).
package struct IPv4Network: Hashable, Sendable {
    /// The address as written; host bits are kept.
    package let address: IPv4Address
    /// 0 to 32.
    package let prefixLength: Int

    /// `nil` unless the length is 0 to 32.
    package init?(_ address: IPv4Address, prefixLength: Int) {
        guard (0...32).contains(prefixLength) else { return nil }
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// `nil` unless the mask's one-bits are contiguous from the left.
    package init?(_ address: IPv4Address, netmask: IPv4Address) {
        let length = (~netmask.rawValue).leadingZeroBitCount
        guard IPv4Network.mask(length) == netmask.rawValue else { return nil }
        self.init(address, prefixLength: length)
    }

    private init() { (address, prefixLength) = (.any, 0) }

    /// `0.0.0.0/0`: what a default route leads to.
    package static let everything = IPv4Network()

    /// Reads `a.b.c.d/len`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]),
            String(length) == parts[1]
        else { return nil }
        self.init(address, prefixLength: length)
    }

    package var netmask: IPv4Address { IPv4Address(rawValue: Self.mask(prefixLength)) }
    package var first: IPv4Address { IPv4Address(rawValue: address.rawValue & netmask.rawValue) }
    /// The last address, which is the directed broadcast address for lengths up to 30.
    package var last: IPv4Address { IPv4Address(rawValue: address.rawValue | ~netmask.rawValue) }

    package func contains(_ other: IPv4Address) -> Bool { other.rawValue & netmask.rawValue == first.rawValue }

    private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : UInt32.max << (32 - UInt32(length)) }
}

extension IPv4Network: CustomStringConvertible, Codable {
    package var description: String { "\(address)/\(prefixLength)" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let network = IPv4Network(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected address/length")
        }
        self = network
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
