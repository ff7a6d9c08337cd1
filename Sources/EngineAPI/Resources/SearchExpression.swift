import HTTPTypes

/// The simplest part of oVirt's search language (ovirt.md 4.5): `field=value`, several joined by `and`.
struct SearchExpression: Hashable, Sendable {
    /// Lower-case field to value; values keep their `*`.
    let terms: [String: String]

    static let lengthMax = 1024

    /// Throws a fault that names the part that was not understood.
    init(_ text: String, fields: Set<String>) throws(Fault) {
        guard text.utf8.count <= Self.lengthMax, !text.contains(where: { "';".contains($0) }) else {
            throw Self.refusal(text, fields)
        }
        var terms: [String: String] = [:]
        var rest = Substring(text).drop(while: \.isWhitespace)
        while !rest.isEmpty {
            guard let (field, value) = Self.term(&rest), fields.contains(field), terms[field] == nil else {
                throw Self.refusal(text, fields)
            }
            terms[field] = value
            guard Self.conjunction(&rest) else { throw Self.refusal(text, fields) }
        }
        self.terms = terms
    }

    private static func term(_ rest: inout Substring) -> (field: String, value: String)? {
        let field = rest.prefix { $0.isLetter || $0 == "." || $0 == "_" }
        rest = rest.dropFirst(field.count).drop(while: \.isWhitespace)
        guard !field.isEmpty, rest.first == "=" else { return nil }
        rest = rest.dropFirst().drop(while: \.isWhitespace)
        let value: Substring
        if rest.first == "\"" {
            value = rest.dropFirst().prefix { $0 != "\"" }
            guard rest.dropFirst(value.count + 1).first == "\"" else { return nil }
            rest = rest.dropFirst(value.count + 2)
        } else {
            value = rest.prefix { !$0.isWhitespace && $0 != "=" }
            rest = rest.dropFirst(value.count)
        }
        return value.isEmpty ? nil : (field.lowercased(), String(value))
    }

    /// Takes the `and` between two terms, or white space, which means the same; false when something else follows.
    private static func conjunction(_ rest: inout Substring) -> Bool {
        guard !rest.isEmpty else { return true }
        guard rest.first?.isWhitespace == true else { return false }
        rest = rest.drop(while: \.isWhitespace)
        let word = rest.prefix { !$0.isWhitespace }
        guard word.lowercased() == "and" else { return word.lowercased() != "or" }
        rest = rest.dropFirst(word.count).drop(while: \.isWhitespace)
        return !rest.isEmpty
    }

    private static func refusal(_ text: String, _ fields: Set<String>) -> Fault {
        let known = fields.sorted().map { "\($0)=VALUE" }.joined(separator: ", ")
        return Fault(
            .badRequest,
            "The search \"\(text.prefix(200))\" is not understood.",
            remedy: "Search by \(known), joined by \"and\"."
        )
    }
}
