/// Text that a machine says about itself (SMBIOS strings, DHCP host names, NIC drivers): anything may be in it.
///
/// The value is kept as it came, at most `bytesMax` bytes; it is escaped for the place where it lands.
package struct HostileText: Hashable, Sendable, Codable {
    /// The text as it came, cut at a character boundary. Not for a terminal, a script or a log line.
    package let raw: String

    /// The most bytes kept of one text.
    package static let bytesMax = 256

    package init(_ text: some StringProtocol) {
        var kept = ""
        var bytes = 0
        for character in text {
            bytes += character.utf8.count
            guard bytes <= Self.bytesMax else { break }
            kept.append(character)
        }
        raw = kept
    }

    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(raw)
    }

    /// Safe on a terminal and in a log line: control, format, and line-separating characters become `\u{…}`.
    package var escapedForTerminal: String { terminalEscaped(raw) }
}

/// Writes every control, format, private-use and unassigned scalar of a text as `\u{hex}`, so that it cannot move a
/// terminal's cursor, change its colours, reorder its letters or end a line.
package func terminalEscaped(_ text: some StringProtocol) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
            escaped += "\\u{\(String(scalar.value, radix: 16))}"
        default:
            escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}

extension StringProtocol {
    /// At most so many bytes of UTF-8 from the beginning, whole scalars only, in linear time. `prefix(_:)` bounds nothing
    /// of a hostile text: one character may have megabytes of combining marks.
    package func prefix(bytes: Int) -> SubSequence {
        var room = bytes
        let end = unicodeScalars.indices.first { index in
            room -= UTF8.width(unicodeScalars[index])
            return room < 0
        }
        return self[..<(end ?? endIndex)]
    }
}
