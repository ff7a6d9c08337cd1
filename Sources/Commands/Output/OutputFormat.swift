import ArgumentParser
import Foundation
import HostModel
import Yams

/// The form of a result.
enum OutputFormat: Hashable, Sendable {
    /// For people; may change with any version.
    case table
    /// A table with every column.
    case wide
    /// For programs: the engine's own values, times in UTC.
    case json
    case yaml
    /// Names alone, one a line.
    case name
    /// What a path leads to, one value a line.
    case path(JSONPath)

    /// The only place where a format is told from another, so no command can forget one.
    func render(_ value: some Encodable, as layout: some Layout, _ style: Style, headers: Bool = true) -> String {
        switch self {
        case .table: layout.text(style, headers: headers)
        case .wide: Self.wide(layout).text(style, headers: headers)
        case .json: Self.json(value, isPretty: true)
        case .yaml: Self.yaml(value)
        case .name: Self.names(value)
        case .path(let path): path.values(in: Self.tree(value)).map(Self.line).joined()
        }
    }

    /// One value of an endless list: a line of a table, of JSON, or a YAML document of its own.
    func renderNext(_ value: some Encodable, line: () -> String) -> String {
        switch self {
        case .table, .wide: line()
        case .json: Self.json(value, isPretty: false)
        case .yaml: "---\n" + Self.yaml(value)
        case .name, .path: render(value, as: Sentence(words: ""), .plain)
        }
    }

    private static func wide(_ layout: some Layout) -> any Layout {
        guard var table = layout as? Table else { return layout }
        table.isWide = true
        return table
    }

    private static func tree(_ value: some Encodable) -> JSONValue {
        guard let data = try? JSONEncoder().encode(value),
            let tree = try? JSONDecoder().decode(JSONValue.self, from: data)
        else { preconditionFailure("the values of the engine have no floating point, so JSON can hold them all") }
        return tree
    }

    /// The name of each element, or of the one; its id where it has no name, and itself where it is a text.
    private static func names(_ value: some Encodable) -> String {
        let tree = tree(value)
        let all = if case .array(let values) = tree { values } else { [tree] }
        return all.compactMap { $0["name"].text ?? $0["id"].text ?? $0.text }.map { terminalEscaped($0) + "\n" }
            .joined()
    }

    /// A text as it is, anything else as JSON.
    private static func line(_ value: JSONValue) -> String {
        value.text.map { terminalEscaped($0) + "\n" } ?? json(value, isPretty: false)
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

extension OutputFormat: ExpressibleByArgument {
    private static let words: [String: OutputFormat] = [
        "table": .table, "wide": .wide, "json": .json, "yaml": .yaml, "name": .name,
    ]
    private static let pathPrefix = "jsonpath="

    init?(argument: String) {
        if let format = Self.words[argument] {
            self = format
        } else if argument.hasPrefix(Self.pathPrefix),
            let path = JSONPath(String(argument.dropFirst(Self.pathPrefix.count)))
        {
            self = .path(path)
        } else {
            return nil
        }
    }

    static var allValueStrings: [String] { ["table", "wide", "json", "yaml", "name", pathPrefix] }
    var defaultValueDescription: String { Self.words.first { $0.value == self }?.key ?? "" }
}

/// `-o` and `--no-headers`, which every command that shows something takes.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "How the result is written: table, wide, json, yaml, name, or jsonpath=PATH.",
            valueName: "format"
        )
    )
    var output = OutputFormat.table

    @Flag(help: "Leave out the header of tables.")
    var noHeaders = false

    func show(_ value: some Encodable, as layout: some Layout) {
        Terminal.show(output.render(value, as: layout, .current, headers: !noHeaders))
    }
}
