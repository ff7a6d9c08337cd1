import Foundation

/// A time in a search: from `begin` until before `end`, in milliseconds since 1970. All in UTC, as the API has it.
struct SearchTime: Hashable, Sendable {
    var begin: Int64
    var end: Int64

    static let forms =
        "Write today, yesterday, 2026-11-26, 2026-11-26T10:30:00Z, or how long ago: 90s, 30m, 2h, 7d."

    private static let day: Int64 = 86_400_000
    private static let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": day]
    /// The longest ago, in any unit.
    private static let countMax: Int64 = 1_000_000

    /// `nil` for a text that is no time.
    init?(_ text: String, now: Int64) {
        let word = text.lowercased()
        let today = now - now % Self.day
        if word == "today" {
            (begin, end) = (today, today + Self.day)
        } else if word == "yesterday" {
            (begin, end) = (today - Self.day, today)
        } else if let unit = word.last.flatMap({ Self.units[$0] }), let count = Int64(word.dropLast()),
            (0...Self.countMax).contains(count)
        {
            (begin, end) = (now - count * unit, now - count * unit + 1)
        } else if let date = try? Date.ISO8601FormatStyle().year().month().day().parse(word), word.utf8.count == 10 {
            begin = Int64(date.timeIntervalSince1970 * 1000)
            end = begin + Self.day
        } else if let date = Self.american(word) {
            begin = Int64(date.timeIntervalSince1970 * 1000)
            end = begin + Self.day
        } else if let date = Self.moment(text) {
            begin = Int64((date.timeIntervalSince1970 * 1000).rounded())
            end = begin + 1
        } else {
            return nil
        }
    }

    /// oVirt's `01/31/2026`.
    private static func american(_ text: String) -> Date? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [2, 2, 4] else { return nil }
        return try? Date.ISO8601FormatStyle().year().month().day().parse("\(parts[2])-\(parts[0])-\(parts[1])")
    }

    private static func moment(_ text: String) -> Date? {
        // A year of ten digits is one, too, and no time that fits into milliseconds.
        guard text.prefix(while: { $0 != "-" }).utf8.count == 4, text.utf8.count <= 40 else { return nil }
        let text = text.uppercased().replacing(" ", with: "T")
        let whole = text.last == "Z" ? text : text + "Z"
        return try? Date.ISO8601FormatStyle(includingFractionalSeconds: whole.contains(".")).parse(whole)
    }
}
