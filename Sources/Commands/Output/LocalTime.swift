import Foundation

/// A time of the engine's, as a person reads it: local, to the second.
enum LocalTime {
    /// Reads `2026-01-01T00:00:00[.fff]Z` or seconds since 1970; anything else is shown as it came.
    static func text(_ wire: String?, _ style: Style) -> String? {
        guard let wire, !wire.isEmpty else { return nil }
        guard let seconds = seconds(wire) else { return wire }
        let offset = Int64(style.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        let local = Date(timeIntervalSince1970: Double(seconds + offset))
        let text = local.formatted(.iso8601.dateTimeSeparator(.space))
        return text.hasSuffix("Z") ? String(text.dropLast()) : text
    }

    static func seconds(_ wire: String) -> Int64? {
        if let seconds = Int64(wire) { return (0..<1 << 40).contains(seconds) ? seconds : nil }
        let whole = wire.prefix { $0 != "." }
        let text = whole.hasSuffix("Z") ? String(whole) : whole + "Z"
        return (try? Date(text, strategy: .iso8601)).map { Int64($0.timeIntervalSince1970) }
    }
}
