import GRDB

/// The fields of one kind of thing in searches, and what they are in the database.
struct SearchColumns: Sendable {
    enum Kind: Sendable {
        /// Compared with `=` and `!=` only; `*` stands for any characters.
        case text
        /// A text that is stored in lower case, which an index may know.
        case name
        /// Several values: one that fits is enough. Its SQL has each between bars.
        case list
        /// A text that holds what is looked for anywhere.
        case inside
        case number
        /// Words with an order, the least first.
        case ranked([String])
        /// Milliseconds since 1970, compared with what `SearchTime` reads.
        case time
    }

    var columns: [String: (kind: Kind, sql: SQL)]
    /// What a bare word is looked for in.
    var word: SQL
    /// What ends every order, so that pages of equal things do not overlap.
    var last: SQL

    var fields: [String] { columns.keys.sorted() }
}

/// One search on its way into SQL.
struct SearchTerms {
    let columns: SearchColumns
    /// Without it ASCII letters are the same in both cases.
    var isCaseSensitive = false
    /// Milliseconds since 1970.
    let now: Int64

    /// The condition in SQL. Throws for a comparison that the field does not know.
    func sql(_ condition: SearchQuery.Condition) throws(EngineError) -> SQL {
        switch condition {
        case .all: return "1"
        case .word(let word): return match(columns.word, word.contains("*") ? word : "*\(word)*")
        case .not(let inner): return "NOT (\(try sql(inner)))"
        case .both(let left, let right): return "(\(try sql(left))) AND (\(try sql(right)))"
        case .either(let left, let right): return "(\(try sql(left))) OR (\(try sql(right)))"
        case .comparison(let field, let comparison, let value): return try sql(field, comparison, value)
        }
    }

    func order(_ order: SearchQuery.Order?) -> SQL {
        guard let order, let column = columns.columns[order.field] else { return columns.last }
        let value =
            if case .ranked(let words) = column.kind { Self.rank(of: column.sql, among: words) } else { column.sql }
        return "\(value) \(SQL(sql: order.descends ? "DESC" : "ASC")), \(columns.last)"
    }

    private func sql(
        _ field: String,
        _ comparison: SearchQuery.Comparison,
        _ value: String
    ) throws(EngineError) -> SQL {
        guard let column = columns.columns[field] else { return "0" }
        switch column.kind {
        case .number:
            guard let number = Int64(value) else {
                throw EngineError(.invalid, "\(field) is a number, and \"\(value.prefix(64))\" is none.")
            }
            let operation = SQL(sql: comparison == .different ? "IS NOT" : comparison.rawValue)
            return "\(column.sql) \(operation) \(number)"
        case .ranked(let words): return try ranked(field, column.sql, words, comparison, value)
        case .time: return try time(field, column.sql, comparison, value)
        case .text, .name, .list, .inside:
            switch comparison {
            case .equal: return equal(column.kind, column.sql, value)
            case .different: return "NOT (\(equal(column.kind, column.sql, value)))"
            case .less, .greater, .lessOrEqual, .greaterOrEqual:
                throw EngineError(
                    .invalid,
                    "\(field) is text, which \(comparison.rawValue) does not compare.",
                    remedy: "Use = or !=."
                )
            }
        }
    }

    private func equal(_ kind: SearchColumns.Kind, _ column: SQL, _ value: String) -> SQL {
        switch kind {
        case .list: match(column, "*|\(value)|*")
        case .inside: match(column, "*\(value)*")
        case .name where !value.contains("*"): "ifnull(\(column) = \(value.lowercased()), 0)"
        case .name: match(column, value.lowercased())
        case .text, .number, .ranked, .time: match(column, value)
        }
    }

    /// LIKE compares ASCII without case, GLOB with it. What is not there fits nothing.
    private func match(_ column: SQL, _ pattern: String) -> SQL {
        var escaped = ""
        if isCaseSensitive {
            for character in pattern { escaped += "?[".contains(character) ? "[\(character)]" : String(character) }
            return "ifnull(\(column), '') GLOB \(escaped)"
        }
        for character in pattern {
            switch character {
            case "*": escaped += "%"
            case "%", "_", "\\": escaped += "\\\(character)"
            default: escaped.append(character)
            }
        }
        return "ifnull(\(column), '') LIKE \(escaped) ESCAPE '\\'"
    }

    private func ranked(
        _ field: String,
        _ column: SQL,
        _ words: [String],
        _ comparison: SearchQuery.Comparison,
        _ value: String
    ) throws(EngineError) -> SQL {
        guard let rank = words.firstIndex(of: value.lowercased()) else {
            throw EngineError(
                .invalid,
                "\(field) is never \"\(value.prefix(64))\".",
                remedy: "Its values are \(words.joined(separator: ", "))."
            )
        }
        let operation = SQL(sql: comparison == .different ? "IS NOT" : comparison.rawValue)
        return "\(Self.rank(of: column, among: words)) \(operation) \(rank)"
    }

    private static func rank(of column: SQL, among words: [String]) -> SQL {
        let cases = words.enumerated().map { "WHEN '\($1)' THEN \($0)" as String }.joined(separator: " ")
        return "(CASE \(column) \(SQL(sql: cases)) END)"
    }

    /// A day is all of its moments: later than a day is after its last one.
    private func time(
        _ field: String,
        _ column: SQL,
        _ comparison: SearchQuery.Comparison,
        _ value: String
    ) throws(EngineError) -> SQL {
        guard let time = SearchTime(value, now: now) else {
            throw EngineError(
                .invalid,
                "\"\(value.prefix(64))\" is no time to compare \(field) with.",
                remedy: SearchTime.forms
            )
        }
        switch comparison {
        case .equal: return "(\(column) >= \(time.begin) AND \(column) < \(time.end))"
        case .different: return "(\(column) < \(time.begin) OR \(column) >= \(time.end))"
        case .less: return "\(column) < \(time.begin)"
        case .lessOrEqual: return "\(column) < \(time.end)"
        case .greater: return "\(column) >= \(time.end)"
        case .greaterOrEqual: return "\(column) >= \(time.begin)"
        }
    }
}
