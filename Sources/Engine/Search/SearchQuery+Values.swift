/// One thing in a search of things that are not asked for in the database: its fields by name, each with what it has there.
package struct SearchValues {
    package var fields: [String: [String]]
    /// What a bare word is looked for in.
    package var words: [String]

    package init(_ fields: [String: [String?]], words: [String]) {
        self.fields = fields.mapValues { $0.compactMap(\.self) }
        self.words = words
    }
}

extension SearchQuery {
    /// Those of the things that fit, in the query's order, of its page; `max` are on one.
    package func page<Thing>(
        of things: [Thing],
        max: Int,
        isCaseSensitive: Bool = false,
        _ values: (Thing) -> SearchValues
    ) -> [Thing] {
        guard condition != .all || order != nil else { return Array(things.dropFirst(skipped(max)).prefix(max)) }
        var found = things.map { (thing: $0, values: values($0)) }
            .filter { condition.fits($0.values, isCaseSensitive) }
        if let order {
            func key(_ values: SearchValues) -> String { values.fields[order.field]?.first ?? "" }
            found.sort {
                let (left, right) = order.descends ? (key($1.values), key($0.values)) : (key($0.values), key($1.values))
                if let left = Int(left), let right = Int(right) { return left < right }
                return left < right
            }
        }
        return found.dropFirst(skipped(max)).prefix(max).map(\.thing)
    }

    private func skipped(_ max: Int) -> Int {
        let (count, isTooMany) = (page - 1).multipliedReportingOverflow(by: max)
        return isTooMany ? .max : count
    }
}

extension SearchQuery.Condition {
    fileprivate func fits(_ values: SearchValues, _ isCaseSensitive: Bool) -> Bool {
        switch self {
        case .all: return true
        case .not(let inner): return !inner.fits(values, isCaseSensitive)
        case .both(let left, let right):
            return left.fits(values, isCaseSensitive) && right.fits(values, isCaseSensitive)
        case .either(let left, let right):
            return left.fits(values, isCaseSensitive) || right.fits(values, isCaseSensitive)
        case .word(let word):
            let pattern = word.contains("*") ? word : "*\(word)*"
            return values.words.contains { Self.fits($0, pattern, isCaseSensitive) }
        case .comparison(let field, let comparison, let value):
            let here = values.fields[field] ?? []
            switch comparison {
            case .equal: return here.contains { Self.fits($0, value, isCaseSensitive) }
            case .different: return !here.contains { Self.fits($0, value, isCaseSensitive) }
            case .less, .greater, .lessOrEqual, .greaterOrEqual:
                return here.contains { Self.compare($0, value).map { comparison.holds($0) } ?? false }
            }
        }
    }

    /// Which side of the other it is on; `nil` unless both are numbers.
    private static func compare(_ left: String, _ right: String) -> Int? {
        guard let left = Int(left), let right = Int(right) else { return nil }
        return left < right ? -1 : left > right ? 1 : 0
    }

    /// `*` in the pattern stands for any characters. Never goes back further than to the last `*`.
    private static func fits(_ text: String, _ pattern: String, _ isCaseSensitive: Bool) -> Bool {
        let text = Array((isCaseSensitive ? text : text.lowercased()).utf8)
        let pattern = Array((isCaseSensitive ? pattern : pattern.lowercased()).utf8)
        var (place, next) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while place < text.count {
            if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
                star = (next, place)
                next += 1
            } else if next < pattern.count, pattern[next] == text[place] {
                (place, next) = (place + 1, next + 1)
            } else if let back = star {
                star = (back.pattern, back.text + 1)
                (place, next) = (back.text + 1, back.pattern + 1)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension SearchQuery.Comparison {
    /// For the sign of left - right.
    fileprivate func holds(_ sign: Int) -> Bool {
        switch self {
        case .equal: sign == 0
        case .different: sign != 0
        case .less: sign < 0
        case .greater: sign > 0
        case .lessOrEqual: sign <= 0
        case .greaterOrEqual: sign >= 0
        }
    }
}
