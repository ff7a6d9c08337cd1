/// What a machine says its identity is (SMBIOS system UUID or `/etc/vdsm/vdsm.id`): a claim, never proof.
///
/// oVirt's register call keeps only `[A-Za-z0-9-.:_]`; so do we, lower-cased, so that one machine is one id.
package struct HardwareID: Hashable, Sendable {
    package let rawValue: String

    /// The longest id kept, in bytes.
    package static let lengthMax = 64

    /// Strips every other character; `nil` when nothing is left or more than 64 bytes are.
    package init?(_ text: some StringProtocol) {
        let isKeptWhole = text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        // What was kept before is read again and again.
        let kept =
            isKeptWhole
            ? String(text)
            : text.lowercased().filter { character in
                character.isASCII && (character.isLetter || character.isNumber || "-.:_".contains(character))
            }
        guard !kept.isEmpty, kept.utf8.count <= Self.lengthMax else { return nil }
        rawValue = kept
    }
}

extension HardwareID: CustomStringConvertible, Codable {
    package var description: String { rawValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = HardwareID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a machine id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
