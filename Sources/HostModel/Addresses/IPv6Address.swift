/// An IPv6 address (RFC 4291), written as RFC 5952 says: lower case, no leading zeros, the longest run of zeros as `::`.
package struct IPv6Address: Hashable, Sendable {
    /// The first and the last eight octets, in host byte order.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// Sixteen octets in wire order.
    package init?(octets: some Collection<UInt8>) {
        guard octets.count == 16 else { return nil }
        high = octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = octets.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads any form of RFC 4291 2.2, without a zone; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard (1...2).contains(halves.count), let head = Self.groups(halves[0], isEnd: halves.count == 1) else {
            return nil
        }
        var groups = head
        if halves.count == 2 {
            guard let tail = Self.groups(halves[1], isEnd: true), head.count + tail.count < 8 else { return nil }
            groups += [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard groups.count == 8 else { return nil }
        high = groups.prefix(4).reduce(0) { $0 << 16 | UInt64($1) }
        low = groups.dropFirst(4).reduce(0) { $0 << 16 | UInt64($1) }
    }

    /// The 16-bit groups of a part between `::`; an IPv4 address may stand for the last two.
    private static func groups(_ text: some StringProtocol, isEnd: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, word) in words.enumerated() {
            if isEnd, index == words.count - 1, word.contains("."), let address = IPv4Address(word) {
                groups += [UInt16(address.rawValue >> 16), UInt16(truncatingIfNeeded: address.rawValue)]
            } else {
                guard (1...4).contains(word.utf8.count), word.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                    let group = UInt16(word, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    package static let any = IPv6Address(high: 0, low: 0)

    /// The sixteen octets in wire order.
    package var octets: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * UInt64($0 % 8))) }
    }

    /// fe80::/10
    package var isLinkLocal: Bool { high >> 54 == 0xFE80 >> 6 }
    package var isMulticast: Bool { high >> 56 == 0xFF }

    private var groups: [UInt16] {
        (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
    }
}

extension IPv6Address: Comparable, CustomStringConvertible, Codable {
    package static func < (left: IPv6Address, right: IPv6Address) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    package var description: String {
        let groups = groups
        var longest = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = end + 1
        }
        func text(_ part: some Sequence<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return text(groups) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = IPv6Address(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an IPv6 address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// An IPv6 address with its prefix length, `2001:db8::1/64`.
package struct IPv6Network: Hashable, Sendable {
    /// The address as written; host bits are kept.
    package let address: IPv6Address
    /// 0 to 128.
    package let prefixLength: Int

    /// `nil` unless the length is 0 to 128.
    package init?(_ address: IPv6Address, prefixLength: Int) {
        guard (0...128).contains(prefixLength) else { return nil }
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// Reads `address/length`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv6Address(parts[0]), let length = Int(parts[1]),
            String(length) == parts[1]
        else { return nil }
        self.init(address, prefixLength: length)
    }

    private init() { (address, prefixLength) = (.any, 0) }

    /// `::/0`
    package static let everything = IPv6Network()

    package func contains(_ other: IPv6Address) -> Bool {
        let mask = Self.mask(prefixLength)
        return other.high & mask.high == address.high & mask.high && other.low & mask.low == address.low & mask.low
    }

    /// The same with the host bits zero.
    package var prefix: IPv6Network {
        let mask = Self.mask(prefixLength)
        let first = IPv6Address(high: address.high & mask.high, low: address.low & mask.low)
        return IPv6Network(first, prefixLength: prefixLength) ?? self
    }

    private static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        func half(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : .max << (64 - UInt64(bits)) }
        return (half(length), half(length - 64))
    }
}

extension IPv6Network: CustomStringConvertible, Codable {
    package var description: String { "\(address)/\(prefixLength)" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let network = IPv6Network(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected address/length")
        }
        self = network
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
