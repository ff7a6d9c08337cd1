import NIOCore

extension JSONValue {
    /// The value as text with four spaces of indent and sorted keys, as VDSM keeps its network configuration on disk.
    package func pretty(indent: Int = 0) -> String {
        let (inner, outer) = (String(repeating: " ", count: indent + 4), String(repeating: " ", count: indent))
        func list(_ open: String, _ items: [String], _ close: String) -> String {
            items.isEmpty
                ? open + close : "\(open)\n\(items.map { inner + $0 }.joined(separator: ",\n"))\n\(outer)\(close)"
        }
        switch self {
        case .array(let elements): return list("[", elements.map { $0.pretty(indent: indent + 4) }, "]")
        case .object(let members):
            let sorted = members.sorted { $0.key < $1.key }
            let items = sorted.map { "\(JSONValue.string($0).line): \($1.pretty(indent: indent + 4))" }
            return list("{", items, "}")
        case .null, .boolean, .integer, .number, .string: return line
        }
    }

    /// A scalar as JSON; a number that JSON has no word for (not finite) becomes null.
    private var line: String {
        guard let text = try? JSONText.encode(self) else { return "null" }
        return String(decoding: text.readableBytesView, as: UTF8.self)
    }
}
