import HostModel

/// One value of a table. Whatever is put into it is escaped here, so that no machine's word reaches a terminal raw.
struct Cell: Hashable, Sendable {
    let text: String
    let tone: Tone

    /// The most columns that a value of a list takes; the rest is cut off with `…`.
    static let widthMax = 60

    /// A missing or empty value shows as `-`, so that every row has as many words as the header.
    init(_ text: (some StringProtocol)?, _ tone: Tone = .plain) {
        let escaped = text.map { terminalEscaped($0) } ?? ""
        (self.text, self.tone) = escaped.isEmpty ? ("-", .faint) : (escaped, tone)
    }

    /// The value cut to what a column may take.
    var clipped: String {
        guard terminalWidth(text) > Self.widthMax else { return text }
        var kept = ""
        var width = 1
        for character in text {
            width += terminalWidth(String(character))
            if width > Self.widthMax { break }
            kept.append(character)
        }
        return kept + "…"
    }
}

/// Columns that a text takes: two for wide East Asian characters and emoji, one for the rest.
func terminalWidth(_ text: String) -> Int {
    text.reduce(0) { $0 + ($1.unicodeScalars.first.map(isWide) ?? false ? 2 : 1) }
}

/// The blocks of Unicode's EastAsianWidth.txt that are wide as a whole.
private func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
        true
    default: false
    }
}
