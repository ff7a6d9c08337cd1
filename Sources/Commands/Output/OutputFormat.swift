import ArgumentParser
import Foundation
import Yams

/// The form of a result.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// For people; may change with any version.
    case table
    /// For programs: the engine's own values, times in UTC.
    case json
    case yaml

    /// The only place where a format is told from another, so no command can forget one.
    func render(_ value: some Encodable, as layout: some Layout, _ style: Style, headers: Bool = true) -> String {
        switch self {
        case .table: layout.text(style, headers: headers)
        case .json: Self.json(value, isPretty: true)
        case .yaml: Self.yaml(value)
        }
    }

    /// One value of an endless list: a line of a table, of JSON, or a YAML document of its own.
    func renderNext(_ value: some Encodable, line: () -> String) -> String {
        switch self {
        case .table: line()
        case .json: Self.json(value, isPretty: false)
        case .yaml: "---\n" + Self.yaml(value)
        }
    }

    private static func json(_ value: some Encodable, isPretty: Bool) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("the values of the engine have no floating point, so JSON can hold them all")
        }
        return escapedJSON(String(decoding: data, as: UTF8.self)) + "\n"
    }

    /// Control and format characters are written as JSON's own `\uXXXX`: the same value, but a terminal that the JSON
    /// happens to land on is left alone.
    private static func escapedJSON(_ json: String) -> String {
        var escaped = ""
        for scalar in json.unicodeScalars {
            if scalar != "\n", isUnsafe(scalar) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func yaml(_ value: some Encodable) -> String {
        let encoder = YAMLEncoder()
        encoder.options.sortKeys = true
        encoder.options.allowUnicode = true
        guard let text = try? encoder.encode(value) else {
            preconditionFailure("the values of the engine have no cycles, so YAML can hold them all")
        }
        guard text.unicodeScalars.contains(where: { $0 != "\n" && isUnsafe($0) }) else { return text }
        // A plain scalar cannot hold an escape, so then every text beyond ASCII is quoted and escaped.
        encoder.options.allowUnicode = false
        return (try? encoder.encode(value)) ?? text
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

/// `-o` and `--no-headers`, which every command that shows something takes.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How the result is written.")
    var output = OutputFormat.table

    @Flag(help: "Leave out the header of tables.")
    var noHeaders = false

    func show(_ value: some Encodable, as layout: some Layout) {
        Terminal.show(output.render(value, as: layout, .current, headers: !noHeaders))
    }
}
