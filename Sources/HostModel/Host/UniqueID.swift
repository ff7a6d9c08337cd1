/// A random UUID in lower case, `8-4-4-4-12`: the engine's id of a host, network, cluster, claim or profile.
package struct UniqueID: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    /// `nil` unless the text is a UUID; upper case is lowered. Octet by octet: a list of ten thousand hosts reads a hundred
    /// thousand of them.
    package init?(rawValue: String) {
        guard rawValue.utf8.count == 36 else { return nil }
        var (place, hasUpperCase) = (0, false)
        for octet in rawValue.utf8 {
            let isHyphen = place == 8 || place == 13 || place == 18 || place == 23
            switch octet {
            case UInt8(ascii: "-"): guard isHyphen else { return nil }
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                guard !isHyphen else { return nil }
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                guard !isHyphen else { return nil }
                hasUpperCase = true
            default: return nil
            }
            place += 1
        }
        self.rawValue = hasUpperCase ? rawValue.lowercased() : rawValue
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
