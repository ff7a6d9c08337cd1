/// What a `Range` header asks of a representation of known length (RFC 9110, section 14).
enum ByteRange: Hashable, Sendable {
    /// No range, or one that is to be ignored: malformed, another unit, or more than one part.
    case whole
    case part(Range<Int64>)
    /// A well-formed range with no byte in the representation: 416.
    case unsatisfiable

    /// The length is in bytes.
    init(header: String?, length: Int64) {
        self = header.flatMap { Self.parse($0, length) } ?? .whole
    }

    private static func parse(_ header: String, _ length: Int64) -> ByteRange? {
        let parts = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let bounds = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return nil }
        switch (number(bounds[0]), number(bounds[1])) {
        case (.absent, .value(let suffix)):
            return suffix == 0 || length == 0 ? .unsatisfiable : .part(max(0, length - suffix)..<length)
        case (.value(let first), .absent):
            return first < length ? .part(first..<length) : .unsatisfiable
        case (.value(let first), .value(let last)):
            guard first <= last else { return nil }
            return first < length ? .part(first..<min(last, length - 1) + 1) : .unsatisfiable
        default: return nil
        }
    }

    private enum Bound {
        case absent
        case value(Int64)
        case malformed
    }

    private static func number(_ text: Substring) -> Bound {
        let text = text.trimmingBlanks()
        if text.isEmpty { return .absent }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return .malformed }
        // A number beyond Int64 is beyond every file too.
        return .value(Int64(text) ?? .max)
    }
}

extension Substring {
    /// Without blanks and tabs at either end (RFC 9110, section 5.6.3, OWS).
    func trimmingBlanks() -> Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
