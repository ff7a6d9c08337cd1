/// What a script of a conversion printed on the server: named texts, each as base64, between a first and a last line of its own.
///
///     muster-answer 1
///     os-release UFJFVFRZX05BTUU9…
///     …
///     end 42
///
/// The texts are the server's word and anything may be in them; the frame is ours, and what is not exactly it is refused.
package struct ServerTranscript: Hashable, Sendable {
    package enum Failure: Error, Hashable, Sendable {
        case tooLong
        /// Not this version's first line.
        case version
        /// A line that is no `NAME BASE64`, or a name that came twice.
        case line(Int)
        /// The last line is missing, or counts other than the items that came.
        case truncated
    }

    package static let version = 1
    package static let bytesMax = 4 << 20
    package static let itemsMax = 128
    package static let nameBytesMax = 32

    private let items: [String: [UInt8]]

    package init(_ bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.bytesMax else { throw .tooLong }
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        guard lines.first.map(Array.init) == Array("muster-answer \(Self.version)".utf8) else { throw .version }
        // The newline of the last line has nothing behind it.
        guard lines.count >= 3, lines.last?.isEmpty == true else { throw .truncated }
        var items: [String: [UInt8]] = [:]
        for (index, line) in lines.dropFirst().dropLast(2).enumerated() {
            guard items.count < Self.itemsMax, let item = Self.item(line), items[item.name] == nil else {
                throw .line(index + 2)
            }
            items[item.name] = item.text
        }
        guard Array(lines[lines.count - 2]) == Array("end \(items.count)".utf8) else { throw .truncated }
        self.items = items
    }

    private static func item(_ line: ArraySlice<UInt8>) -> (name: String, text: [UInt8])? {
        let words = line.split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 2, (1...nameBytesMax).contains(words[0].count),
            words[0].allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }),
            let text = base64(words[1])
        else { return nil }
        return (String(decoding: words[0], as: UTF8.self), text)
    }

    /// RFC 4648, section 4, with its padding; `nil` for anything else.
    private static func base64(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count % 4 == 0 else { return nil }
        let body = digits.reversed().drop { $0 == 61 }.reversed()
        guard digits.count - body.count <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count * 3 / 4)
        var (bits, count) = (UInt32(0), 0)
        for digit in body {
            guard let value = value(digit) else { return nil }
            (bits, count) = (bits << 6 | value, count + 6)
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        // The rest of the last digit is zero: one text has one form.
        return count < 6 && bits == 0 ? bytes : nil
    }

    private static func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case 65...90: UInt32(digit - 65)
        case 97...122: UInt32(digit - 71)
        case 48...57: UInt32(digit + 4)
        case 43: 62
        case 47: 63
        default: nil
        }
    }

    /// The text under a name; empty when there was none. What is no UTF-8 is replaced.
    package func text(_ name: String) -> String { String(decoding: items[name] ?? [], as: UTF8.self) }

    /// Its lines without empty ones, at most `max` of them.
    package func lines(_ name: String, max: Int = 4096) -> [Substring] {
        Array(text(name).split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }).prefix(max))
    }

    /// The first line without blanks around it; `nil` when there is none.
    package func word(_ name: String) -> String? {
        lines(name, max: 1).first.flatMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
    }
}
