import Foundation
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
        /// Milliseconds since 1970; compared with `today`, `yesterday` or a date, which last a day (UTC).
        case time
    }

    var columns: [String: (kind: Kind, sql: SQL)]
    /// What a bare word is looked for in.
    var word: SQL
    /// What ends every order, so that pages of equal things do not overlap.
    var last: SQL

    var fields: [String] { columns.keys.sorted() }

    static let dayMilliseconds: Int64 = 86_400_000
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
        return "\(column.sql) \(SQL(sql: order.descends ? "DESC" : "ASC")), \(columns.last)"
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
        case .text, .number, .time: match(column, value)
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

    private func time(
        _ field: String,
        _ column: SQL,
        _ comparison: SearchQuery.Comparison,
        _ value: String
    ) throws(EngineError) -> SQL {
        guard let first = day(value) else {
            throw EngineError(
                .invalid,
                "\(field) is a day, and \"\(value.prefix(64))\" is none.",
                remedy: "Write today, yesterday, 2026-01-31 or 01/31/2026."
            )
        }
        let end = first + SearchColumns.dayMilliseconds
        switch comparison {
        case .equal: return "(\(column) >= \(first) AND \(column) < \(end))"
        case .different: return "(\(column) < \(first) OR \(column) >= \(end))"
        case .less: return "\(column) < \(first)"
        case .lessOrEqual: return "\(column) < \(end)"
        case .greater: return "\(column) >= \(end)"
        case .greaterOrEqual: return "\(column) >= \(first)"
        }
    }

    /// The first millisecond of a day of UTC.
    private func day(_ text: String) -> Int64? {
        let length = SearchColumns.dayMilliseconds
        let today = now - now % length
        switch text.lowercased() {
        case "today": return today
        case "yesterday": return today - length
        default: break
        }
        let isISO = text.contains("-")
        let numbers = text.split(separator: isISO ? "-" : "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, let one = numbers[0], let two = numbers[1], let three = numbers[2] else { return nil }
        let (year, month, day) = isISO ? (one, two, three) : (three, one, two)
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let date = calendar.date(from: DateComponents(year: year, month: month, day: day))
        return date.map { Int64($0.timeIntervalSince1970) * 1000 }
    }
}
