import Foundation

/// oVirt's time on the wire: `2026-01-01T00:00:00.000Z`.
enum WireTime {
    /// `milliseconds` since 1970.
    static func text(milliseconds: Int64) -> String {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        // Whole seconds first: a Double of milliseconds rounds .9995 up into a fourth digit.
        let seconds = Date(timeIntervalSince1970: Double(milliseconds.flooredDivision(by: 1000)))
        let fraction = milliseconds - milliseconds.flooredDivision(by: 1000) * 1000
        let text = seconds.formatted(style).prefix { $0 != "." }
        let digits = String(fraction)
        return "\(text).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
