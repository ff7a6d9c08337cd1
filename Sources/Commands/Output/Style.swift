import Foundation

/// How text for a person is dressed: colours or none, and the zone of its times.
struct Style: Sendable {
    var isColoured: Bool
    var timeZone: TimeZone

    static let plain = Style(isColoured: false, timeZone: TimeZone(secondsFromGMT: 0) ?? .current)

    /// Colours only on a terminal that has them, and never with NO_COLOR (no-color.org).
    static func ofOutput(environment: [String: String], isTerminal: Bool) -> Style {
        let isRefused = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        return Style(isColoured: isTerminal && !isRefused, timeZone: .current)
    }

    static var current: Style {
        ofOutput(environment: ProcessInfo.processInfo.environment, isTerminal: Terminal.isOutputTerminal)
    }

    func dressed(_ text: String, _ tone: Tone) -> String {
        guard isColoured, let code = tone.code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// What a piece of text means, not what it looks like.
enum Tone: Hashable, Sendable {
    case plain
    case good
    case waiting
    case bad
    case faint
    case heading

    /// The parameter of SGR (ECMA-48, 8.3.117).
    fileprivate var code: Int? {
        switch self {
        case .plain: nil
        case .good: 32
        case .waiting: 33
        case .bad: 31
        case .faint: 2
        case .heading: 1
        }
    }
}
