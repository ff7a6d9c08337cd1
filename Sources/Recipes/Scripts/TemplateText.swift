/// A text with `{{name}}` placeholders, read once. What may be put in is a matter of the templates that are made of it:
/// each takes only values that were escaped for its language.
struct TemplateText: Hashable, Sendable {
    private enum Piece: Hashable, Sendable {
        case text(String)
        case placeholder(String)
    }

    let name: String
    private let pieces: [Piece]

    init(name: String, text: String, allowed: Set<String>) throws(RecipeError) {
        var pieces: [Piece] = []
        var line = 1
        var rest = text[...]
        while let start = rest.firstRange(of: "{{") {
            let before = rest[..<start.lowerBound]
            line += before.count { $0 == "\n" }
            guard let end = rest[start.upperBound...].firstRange(of: "}}") else {
                throw .malformedPlaceholder(template: name, line: line)
            }
            let placeholder = rest[start.upperBound..<end.lowerBound]
            guard Self.isName(placeholder) else { throw .malformedPlaceholder(template: name, line: line) }
            guard allowed.contains(String(placeholder)) else {
                throw .unknownPlaceholder(template: name, name: String(placeholder))
            }
            pieces += [.text(String(before)), .placeholder(String(placeholder))]
            rest = rest[end.upperBound...]
        }
        (self.name, self.pieces) = (name, pieces + [.text(String(rest))])
    }

    /// A placeholder without a value is an error; a value without a placeholder is not.
    func render(_ values: [String: String]) throws(RecipeError) -> String {
        var script = ""
        for piece in pieces {
            switch piece {
            case .text(let text): script += text
            case .placeholder(let key):
                guard let value = values[key] else { throw .unknownPlaceholder(template: name, name: key) }
                script += value
            }
        }
        return script
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (97...122).contains($0) || $0 == UInt8(ascii: "_") }
    }
}
