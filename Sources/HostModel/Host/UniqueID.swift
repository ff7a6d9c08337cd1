/// A random UUID in lower case, `8-4-4-4-12`: the engine's id of a host, network, cluster, claim or profile.
package struct UniqueID: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    /// `nil` unless the text is a UUID; upper case is lowered.
    package init?(rawValue: String) {
        let groups = rawValue.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12],
            groups.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isHexDigit } })
        else { return nil }
        self.rawValue = rawValue.lowercased()
    }

    /// A new version 4 UUID (RFC 9562, section 5.4).
    package static func random() -> UniqueID {
        var generator = SystemRandomNumberGenerator()
        return UniqueID(
            high: generator.next() & ~0xF000 | 0x4000,
            low: generator.next() & ~(3 << 62) | 1 << 63
        )
    }

    private init(high: UInt64, low: UInt64) {
        let digits = Self.hex(high) + Self.hex(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        rawValue = text
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension UniqueID: CustomStringConvertible, Codable, Comparable {
    package var description: String { rawValue }

    package static func < (left: UniqueID, right: UniqueID) -> Bool { left.rawValue < right.rawValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = UniqueID(rawValue: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a UUID")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
