package import FoundationEssentials
import HostModel
package import Logging

/// How one log entry becomes one line. Whatever machines said is in it as text and nothing else: it can neither end the line,
/// nor move a terminal, nor add a field.
package enum LogFormat: String, CaseIterable, Sendable {
    /// `TIME PROGRAM LEVEL: MESSAGE KEY=VALUE…`, for people.
    case text
    /// One JSON object a line: `time`, `level`, `program`, `message`, and a field for each piece of metadata, among them
    /// `correlation`, `host` and `job` where they are known.
    case json

    /// The longest message or value, in bytes; what is over is cut.
    package static let valueMax = 4096
    /// Fields beyond these are left out.
    static let fieldsMax = 32

    package func line(
        _ time: Date,
        _ program: String,
        _ level: Logger.Level,
        _ message: String,
        _ fields: [String: String]
    ) -> String {
        let sorted = fields.sorted { $0.key < $1.key }.prefix(Self.fieldsMax)
        switch self {
        case .text:
            let details = sorted.map { " \($0.key)=\($0.value)" }.joined()
            let text = terminalEscaped("\(message)\(details)".prefix(bytes: Self.valueMax))
            return "\(time.formatted(.iso8601)) \(program) \(level): \(text)"
        case .json:
            let milliseconds = Int64(time.timeIntervalSince1970 * 1000) % 1000
            let fraction = String(milliseconds + 1000).dropFirst()
            let stamp = time.formatted(.iso8601).replacing("Z", with: ".\(fraction)Z")
            let own = [("time", stamp), ("level", level.rawValue), ("program", program), ("message", message)]
            // What we say ourselves is not said once more by a field of the same name.
            let more = sorted.filter { field in !own.contains { $0.0 == field.key } }.map { ($0.key, $0.value) }
            let pairs = (own + more).map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }
            return "{\(pairs.joined(separator: ","))}"
        }
    }

    /// A JSON string in which every character that a terminal or a line reader could act on is `\uXXXX`: the same value, and
    /// harmless where the log is only shown.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.prefix(bytes: valueMax).unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                    for unit in String(scalar).utf16 {
                        let digits = String(unit, radix: 16)
                        quoted += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
                    }
                default: quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
