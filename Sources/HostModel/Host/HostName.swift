/// A host's name: RFC 1123 labels joined by dots, lower case, at most 255 bytes. Safe in scripts, URLs and on a terminal.
package struct HostName: Hashable, Sendable {
    package let rawValue: String

    /// `nil` unless every label has 1 to 63 letters, digits or inner hyphens.
    package init?(_ text: some StringProtocol) {
        let name = text.lowercased()
        guard (1...255).contains(name.utf8.count) else { return nil }
        for label in name.split(separator: ".", omittingEmptySubsequences: false) {
            let isLabel = label.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
            guard (1...63).contains(label.utf8.count), isLabel, label.first != "-", label.last != "-" else {
                return nil
            }
        }
        rawValue = name
    }
}

extension HostName: CustomStringConvertible, Codable {
    package var description: String { rawValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = HostName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a host name (RFC 1123)")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
