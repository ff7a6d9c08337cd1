import Recipes

/// The target of a request, decoded once: the components of its path, and its query.
struct RequestTarget: Hashable, Sendable {
    /// Without empty ones (`//` is squeezed). None is `.`, `..`, or holds a slash or a control character.
    private(set) var components: [String] = []
    /// In order; of two with one name the first counts.
    private(set) var query: [Parameter] = []

    struct Parameter: Hashable, Sendable {
        var name: String
        var value: String
    }

    /// The longest target read, in bytes.
    static let bytesMax = 4096
    /// The most parameters of a query; more are ignored.
    static let parametersMax = 32

    /// Reads the origin form `/path?query` and the absolute form `http://host/path?query` (RFC 9112, section 3.2).
    /// `nil` for anything else and for a path that is not plain UTF-8 after one decoding.
    init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax, let rest = Self.pathAndQuery(text) else { return nil }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first else { return nil }
        for encoded in path.split(separator: "/") {
            guard let component = PercentEncoding.decode(encoded), Self.isPlain(component) else { return nil }
            components.append(component)
        }
        if parts.count == 2 { query = Self.parameters(parts[1]) }
    }

    /// The value of the first parameter of this name; `nil` when there is none or it is empty.
    subscript(_ name: String) -> String? {
        query.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    private static func pathAndQuery(_ text: String) -> Substring? {
        if text.hasPrefix("/") { return text[...] }
        guard text.prefix(7).lowercased() == "http://" else { return nil }
        let rest = text.dropFirst(7)
        guard let slash = rest.firstIndex(of: "/"), slash != rest.startIndex else { return nil }
        return rest[slash...]
    }

    private static func isPlain(_ component: String) -> Bool {
        component != "." && component != ".."
            && component.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "/" && $0 != "\\" }
    }

    private static func parameters(_ query: Substring) -> [Parameter] {
        query.split(separator: "&", maxSplits: parametersMax).prefix(parametersMax).map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Parameter(
                name: PercentEncoding.decodeLossily(sides.first ?? ""),
                value: sides.count == 2 ? PercentEncoding.decodeLossily(sides[1]) : ""
            )
        }
    }
}
