import GRDB
import HostModel

/// What may be searched for in a table, and what each field is in the database.
package struct SearchTable: Sendable {
    enum Kind: Hashable, Sendable {
        /// Compared with `=` and `!=` only, without case, `*` for any characters.
        case text
        /// Text that holds the value somewhere.
        case within
        /// Several values between bars: one that fits is enough.
        case list
        /// Exactly this text: an id, which an index finds.
        case exact
        case number
        /// Words with an order, the least first.
        case ranked([String])
        /// Milliseconds since 1970, compared with what `SearchTime` reads.
        case time
    }

    struct Column: Sendable {
        var kind: Kind
        var sql: SQL
        init(_ kind: Kind, _ sql: SQL) { (self.kind, self.sql) = (kind, sql) }
    }

    var columns: [String: Column]
    /// Where a bare word is looked for.
    var words: SQL
    /// The order without one asked for, and the last one with it, so that pages of equal rows do not overlap.
    var order: SQL

    var fields: [String] { columns.keys.sorted() }

    /// A search in oVirt's language. Throws a sentence that says where it went wrong.
    func query(_ text: String) throws(EngineError) -> SearchQuery { try SearchQuery(text, fields: columns.keys) }

    /// The condition in SQL; `now`: what relative times count from. Throws for a comparison that the field does not know.
    func sql(_ condition: SearchQuery.Condition, now: Int64 = 0) throws(EngineError) -> SQL {
        switch condition {
        case .all: return "1"
        case .word(let word): return Self.match(words, word.contains("*") ? word : "*\(word)*")
        case .not(let inner): return "NOT (\(try sql(inner, now: now)))"
        case .both(let left, let right): return "(\(try sql(left, now: now))) AND (\(try sql(right, now: now)))"
        case .either(let left, let right): return "(\(try sql(left, now: now))) OR (\(try sql(right, now: now)))"
        case .comparison(let field, let comparison, let value):
            guard let column = columns[field] else { return "0" }
            return try sql(field, column, comparison, value, now: now)
        }
    }

    func sql(_ order: SearchQuery.Order?) -> SQL {
        guard let order, let column = columns[order.field] else { return self.order }
        let value =
            if case .ranked(let words) = column.kind { Self.rank(of: column.sql, among: words) } else { column.sql }
        return "\(value) \(SQL(sql: order.descends ? "DESC" : "ASC")), \(self.order)"
    }

    private func sql(
        _ field: String,
        _ column: Column,
        _ comparison: SearchQuery.Comparison,
        _ value: String,
        now: Int64
    ) throws(EngineError) -> SQL {
        let operation = SQL(sql: comparison == .different ? "IS NOT" : comparison.rawValue)
        switch column.kind {
        case .text, .within, .list, .exact:
            let equal = Self.equal(column, value)
            switch comparison {
            case .equal: return equal
            case .different: return "NOT (\(equal))"
            case .less, .greater, .lessOrEqual, .greaterOrEqual:
                throw EngineError(
                    .invalid,
                    "\(field) is text, which \(comparison.rawValue) does not compare.",
                    remedy: "Use = or !=."
                )
            }
        case .number:
            guard let number = Int64(value) else {
                throw EngineError(.invalid, "\(field) is a number, and \"\(value.prefix(64))\" is none.")
            }
            return "\(column.sql) \(operation) \(number)"
        case .ranked(let words):
            guard let rank = words.firstIndex(of: value.lowercased()) else {
                throw EngineError(
                    .invalid,
                    "\(field) is never \"\(value.prefix(64))\".",
                    remedy: "Its values are \(words.joined(separator: ", "))."
                )
            }
            return "\(Self.rank(of: column.sql, among: words)) \(operation) \(rank)"
        case .time:
            guard let span = SearchTime(value, now: now) else {
                throw EngineError(
                    .invalid,
                    "\(field) is a time, and \"\(value.prefix(64))\" is none.",
                    remedy: SearchTime.forms
                )
            }
            return Self.compare(column.sql, comparison, span)
        }
    }

    private static func rank(of column: SQL, among words: [String]) -> SQL {
        let cases = words.enumerated().map { "WHEN '\($1)' THEN \($0)" as String }.joined(separator: " ")
        return "(CASE \(column) \(SQL(sql: cases)) END)"
    }

    /// A day is all of its moments: later than a day is after its last one.
    private static func compare(_ column: SQL, _ comparison: SearchQuery.Comparison, _ span: SearchTime) -> SQL {
        switch comparison {
        case .equal: "(\(column) >= \(span.begin) AND \(column) < \(span.end))"
        case .different: "NOT (\(column) >= \(span.begin) AND \(column) < \(span.end))"
        case .less: "\(column) < \(span.begin)"
        case .greater: "\(column) >= \(span.end)"
        case .lessOrEqual: "\(column) < \(span.end)"
        case .greaterOrEqual: "\(column) >= \(span.begin)"
        }
    }

    private static func equal(_ column: Column, _ value: String) -> SQL {
        switch column.kind {
        case .list: match(column.sql, "*|\(value)|*")
        case .within: match(column.sql, "*\(value)*")
        case .exact: "\(column.sql) = \(value.lowercased())"
        case .text, .number, .ranked, .time: match(column.sql, value)
        }
    }

    /// LIKE compares ASCII without case, and names have nothing else.
    private static func match(_ column: SQL, _ pattern: String) -> SQL {
        var like = ""
        for character in pattern {
            switch character {
            case "*": like += "%"
            case "%", "_", "\\": like += "\\\(character)"
            default: like.append(character)
            }
        }
        return "coalesce(\(column), '') LIKE \(like) ESCAPE '\\'"
    }
}
