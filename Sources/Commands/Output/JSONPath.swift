/// A path into JSON (RFC 9535), as far as listings need it: `$.cluster.name`, `$[*].name`, `[0]`, `[-1]`, `['a b']`, `..name`,
/// and `[?(@.status=="up")]`. kubectl's braces around it, and a missing `$`, are understood.
struct JSONPath: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case member(String)
        case index(Int)
        case all
        /// At any depth.
        case descendants(String)
        /// Those whose member at `path` is, or is not, `value`; without a value those that have one.
        case matching(path: [String], isEqual: Bool, value: String?)
    }

    let steps: [Step]

    static let lengthMax = 512

    /// `nil` for what is none.
    init?(_ text: String) {
        guard text.utf8.count <= Self.lengthMax else { return nil }
        var rest = Substring(text)
        if rest.first == "{", rest.last == "}" { rest = rest.dropFirst().dropLast() }
        if rest.first == "$" { rest = rest.dropFirst() }
        var steps: [Step] = []
        while !rest.isEmpty {
            guard let step = Self.step(&rest) else { return nil }
            steps.append(step)
        }
        self.steps = steps
    }

    /// What the path leads to: elements in their order, members in that of their names.
    func values(in root: JSONValue) -> [JSONValue] {
        steps.reduce([root]) { values, step in values.flatMap { Self.values(step, in: $0) } }
    }

    private static func values(_ step: Step, in value: JSONValue) -> [JSONValue] {
        switch (step, value) {
        case (.member(let name), .object(let members)): members[name].map { [$0] } ?? []
        case (.index(let index), .array(let values)):
            values.indices.contains(index < 0 ? values.count + index : index)
                ? [values[index < 0 ? values.count + index : index]] : []
        case (.all, .array(let values)): values
        case (.all, .object): value.members.map(\.value)
        case (.descendants(let name), _): descendants(name, in: value)
        case (.matching(let path, let isEqual, let wanted), .array(let values)):
            values.filter { matches($0, path, isEqual, wanted) }
        default: []
        }
    }

    private static func descendants(_ name: String, in value: JSONValue) -> [JSONValue] {
        switch value {
        case .array(let values): values.flatMap { descendants(name, in: $0) }
        case .object:
            value.members.flatMap { member in
                (member.name == name ? [member.value] : []) + descendants(name, in: member.value)
            }
        default: []
        }
    }

    private static func matches(_ value: JSONValue, _ path: [String], _ isEqual: Bool, _ wanted: String?) -> Bool {
        let found = path.reduce(value) { $0[$1] }
        guard let wanted else { return found != .null }
        return (found.text == wanted) == isEqual
    }

    // MARK: - Reading

    private static func step(_ rest: inout Substring) -> Step? {
        if rest.hasPrefix("..") {
            rest = rest.dropFirst(2)
            return name(&rest).map { .descendants($0) }
        }
        switch rest.first {
        case ".":
            rest = rest.dropFirst()
            if rest.first == "*" {
                rest = rest.dropFirst()
                return .all
            }
            // kubectl writes a bare dot for the whole.
            return name(&rest).map { .member($0) }
        case "[":
            rest = rest.dropFirst()
            return bracket(&rest)
        default: return nil
        }
    }

    private static func name(_ rest: inout Substring) -> String? {
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
        rest = rest.dropFirst(name.count)
        return name.isEmpty ? nil : String(name)
    }

    private static func bracket(_ rest: inout Substring) -> Step? {
        if rest.hasPrefix("?") { return filter(&rest) }
        if let quote = rest.first, quote == "'" || quote == "\"" {
            guard let text = quoted(&rest), take("]", &rest) else { return nil }
            return .member(text)
        }
        let inner = rest.prefix { $0 != "]" }
        rest = rest.dropFirst(inner.count)
        guard take("]", &rest) else { return nil }
        return inner == "*" ? .all : Int(inner).map { .index($0) }
    }

    /// `?(@.a.b=="c")`, `?(@.a!='c')`, `?(@.a)`.
    private static func filter(_ rest: inout Substring) -> Step? {
        rest = rest.dropFirst()
        let isWrapped = take("(", &rest)
        guard take("@", &rest) else { return nil }
        var path: [String] = []
        while take(".", &rest) {
            guard let name = name(&rest) else { return nil }
            path.append(name)
        }
        rest = rest.drop { $0 == " " }
        var (isEqual, value): (Bool, String?) = (true, nil)
        if rest.hasPrefix("==") || rest.hasPrefix("!=") {
            isEqual = rest.first == "="
            rest = rest.dropFirst(2).drop { $0 == " " }
            guard let text = rest.first == "'" || rest.first == "\"" ? quoted(&rest) : name(&rest) else { return nil }
            value = text
            rest = rest.drop { $0 == " " }
        }
        guard !isWrapped || take(")", &rest), take("]", &rest), !path.isEmpty else { return nil }
        return .matching(path: path, isEqual: isEqual, value: value)
    }

    private static func quoted(_ rest: inout Substring) -> String? {
        guard let quote = rest.first else { return nil }
        let text = rest.dropFirst().prefix { $0 != quote }
        rest = rest.dropFirst(text.count + 1)
        return take(quote, &rest) ? String(text) : nil
    }

    private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }
}
