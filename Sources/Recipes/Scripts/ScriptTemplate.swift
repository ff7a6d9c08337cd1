/// An iPXE script or a GRUB configuration with `{{name}}` placeholders: a data file of the `pxe` directory.
package struct ScriptTemplate: Hashable, Sendable {
    private enum Piece: Hashable, Sendable {
        case text(String)
        case placeholder(String)
    }

    package let name: String
    private let pieces: [Piece]

    /// Checks the whole template, so that a server refuses to start with a broken one. A placeholder that is not among
    /// the `allowed` is an error.
    package init(name: String, text: String, allowed: Set<String>) throws(RecipeError) {
        guard text.hasPrefix("#!ipxe\n") else { throw .notAScript(template: name) }
        try self.init(name: name, checked: text, allowed: allowed)
    }

    /// The same for a text without a first line of its own.
    init(name: String, checked text: String, allowed: Set<String>) throws(RecipeError) {
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

    /// Puts the values in. A placeholder without a value is an error; a value without a placeholder is not.
    package func render(_ values: [String: ScriptValue]) throws(RecipeError) -> String {
        var script = ""
        for piece in pieces {
            switch piece {
            case .text(let text): script += text
            case .placeholder(let key):
                guard let value = values[key] else { throw .unknownPlaceholder(template: name, name: key) }
                script += value.text
            }
        }
        return script
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (97...122).contains($0) || $0 == UInt8(ascii: "_") }
    }
}
