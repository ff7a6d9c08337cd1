/// A search in oVirt's language (ovirt.md 4.5), taken apart:
/// `field op value [and|or …] [sortby field [asc|desc]] [page N]`, with parentheses, `not`, quotes and `*`. Two terms beside
/// each other are joined by `and`. A bare word searches the names.
package struct SearchQuery: Hashable, Sendable {
    package indirect enum Condition: Hashable, Sendable {
        case all
        case comparison(field: String, Comparison, value: String)
        case word(String)
        case not(Condition)
        case both(Condition, Condition)
        case either(Condition, Condition)
    }

    package enum Comparison: String, Hashable, Sendable {
        case equal = "="
        case different = "!="
        case less = "<"
        case greater = ">"
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
    }

    package struct Order: Hashable, Sendable {
        package var field: String
        package var descends = false
    }

    package var condition = Condition.all
    package var order: Order?
    /// From 1 on; how long a page is the caller's to say.
    package var page = 1

    /// Characters of a search; terms and parentheses in each other.
    package static let lengthMax = 1024
    package static let termsMax = 64
    static let depthMax = 16
    static let pageMax = 1_000_000

    package init() {}

    /// Asks for everything, in the usual order, from the beginning.
    package var isAll: Bool { condition == .all && order == nil && page == 1 }

    /// Reads a search. `fields` are those that may be named, lower case. Throws a sentence that says where it went wrong.
    package init(_ text: String, fields: some Collection<String>) throws(EngineError) {
        var parser = SearchParser(text, fields: Set(fields))
        self = try parser.query()
    }
}

/// Recursive descent; `or` binds weaker than `and`, as oVirt has it.
private struct SearchParser {
    private enum Token: Hashable {
        case open
        case close
        case comparison(SearchQuery.Comparison)
        case quoted(String)
        case word(String)
    }

    private let text: String
    private let fields: Set<String>
    private var rest: Substring
    private var terms = 0

    init(_ text: String, fields: Set<String>) {
        (self.text, self.fields) = (text, fields)
        rest = text[...]
    }

    mutating func query() throws(EngineError) -> SearchQuery {
        guard text.utf8.count <= SearchQuery.lengthMax else {
            throw refusal("it is longer than \(SearchQuery.lengthMax) characters")
        }
        guard !text.contains(where: { "';".contains($0) }) else { throw refusal("' and ; are not allowed in it") }
        var query = SearchQuery()
        if let next = peek(), !isEnd(next) { query.condition = try alternatives(depth: 0) }
        if takeWord("sortby") { query.order = try order() }
        if takeWord("page") { query.page = try page() }
        if let next = try take() { throw refusal("\(shown(next)) is not expected there") }
        return query
    }

    private mutating func alternatives(depth: Int) throws(EngineError) -> SearchQuery.Condition {
        guard depth <= SearchQuery.depthMax else { throw refusal("it nests too deep") }
        var condition = try conjunction(depth: depth)
        while takeWord("or") { condition = .either(condition, try conjunction(depth: depth)) }
        return condition
    }

    private mutating func conjunction(depth: Int) throws(EngineError) -> SearchQuery.Condition {
        var condition = try term(depth: depth)
        while let next = peek() {
            if takeWord("and") {
                condition = .both(condition, try term(depth: depth))
            } else if next == .close || isWord(next, "or") || isEnd(next) {
                break
            } else {
                condition = .both(condition, try term(depth: depth))
            }
        }
        return condition
    }

    private mutating func term(depth: Int) throws(EngineError) -> SearchQuery.Condition {
        guard depth <= SearchQuery.depthMax else { throw refusal("it nests too deep") }
        terms += 1
        guard terms <= SearchQuery.termsMax else { throw refusal("it has more than \(SearchQuery.termsMax) terms") }
        if takeWord("not") { return .not(try term(depth: depth + 1)) }
        guard let token = try take() else { throw refusal("it ends where a term is expected") }
        switch token {
        case .open:
            let inner = try alternatives(depth: depth + 1)
            guard try take() == .close else { throw refusal("a parenthesis is not closed") }
            return inner
        case .quoted(let word): return .word(word)
        case .word(let word):
            guard case .comparison(let comparison)? = peek() else { return .word(word) }
            _ = try take()
            let field = word.lowercased()
            guard fields.contains(field) else { throw refusal("there is no field \(word)") }
            return .comparison(field: field, comparison, value: try value(of: word))
        case .close, .comparison: throw refusal("\(shown(token)) is not expected there")
        }
    }

    private mutating func value(of field: String) throws(EngineError) -> String {
        switch try take(asValue: true) {
        case .quoted(let value), .word(let value): return value
        case .open, .close, .comparison, nil: throw refusal("\(field) is compared with nothing")
        }
    }

    private mutating func order() throws(EngineError) -> SearchQuery.Order {
        guard case .word(let word)? = try take(), fields.contains(word.lowercased()) else {
            throw refusal("sortby names no field")
        }
        let order = SearchQuery.Order(field: word.lowercased())
        if takeWord("desc") { return SearchQuery.Order(field: order.field, descends: true) }
        _ = takeWord("asc")
        return order
    }

    private mutating func page() throws(EngineError) -> Int {
        guard case .word(let word)? = try take(), let number = Int(word), (1...SearchQuery.pageMax).contains(number)
        else {
            throw refusal("page takes a number from 1 on")
        }
        return number
    }

    // MARK: Tokens

    private func isEnd(_ token: Token) -> Bool { isWord(token, "sortby") || isWord(token, "page") }

    private func isWord(_ token: Token, _ word: String) -> Bool {
        if case .word(let text) = token { text.lowercased() == word } else { false }
    }

    private func peek() -> Token? {
        var copy = self
        return try? copy.take()
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard let next = peek(), isWord(next, word) else { return false }
        _ = try? take()
        return true
    }

    /// A value may have `=` and `<` in it, a field may not.
    private mutating func take(asValue isValue: Bool = false) throws(EngineError) -> Token? {
        rest = rest.drop(while: \.isWhitespace)
        guard let first = rest.first else { return nil }
        switch first {
        case "(", ")":
            rest = rest.dropFirst()
            return first == "(" ? .open : .close
        case "\"":
            let content = rest.dropFirst().prefix { $0 != "\"" }
            guard content.endIndex < rest.endIndex else { throw refusal("a quotation mark is not closed") }
            rest = rest[rest.index(after: content.endIndex)...]
            return .quoted(String(content))
        case "=", "!", "<", ">":
            for operation in ["<=", ">=", "!=", "=", "<", ">"] where rest.hasPrefix(operation) {
                rest = rest.dropFirst(operation.count)
                return SearchQuery.Comparison(rawValue: operation).map { .comparison($0) }
            }
            throw refusal("! is not expected there")
        default:
            let word = rest.prefix { character in
                !character.isWhitespace && !"()\"".contains(character) && (isValue || !"=!<>".contains(character))
            }
            rest = rest.dropFirst(word.count)
            return .word(String(word))
        }
    }

    private func shown(_ token: Token) -> String {
        switch token {
        case .open: "("
        case .close: ")"
        case .comparison(let comparison): comparison.rawValue
        case .quoted(let text), .word(let text): "\"\(text.prefix(64))\""
        }
    }

    private func refusal(_ reason: String) -> EngineError {
        EngineError(
            .invalid,
            "The search \"\(text.prefix(200))\" is not understood: \(reason).",
            remedy:
                "Write FIELD=VALUE, joined by and or or, with * for any characters. Fields: \(fields.sorted().joined(separator: ", "))."
        )
    }
}
