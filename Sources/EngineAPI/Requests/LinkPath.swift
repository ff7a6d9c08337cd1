import HTTPTypes

/// What `follow=nics.network_attachments,cluster` asks for: a link, and the links that are then to be followed at its end.
struct LinkPath: Hashable, Sendable {
    let name: String
    private(set) var next: [LinkPath] = []

    /// Paths of one request, and links in each.
    static let pathsMax = 32
    static let depthMax = 5

    /// Paths that begin alike are one. An empty text asks for nothing. Throws a fault that names what makes no sense.
    static func paths(_ text: String) throws(Fault) -> [LinkPath] {
        let paths = text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
        guard paths.count <= pathsMax else { throw refusal(text, "more than \(pathsMax) links are in it") }
        var found: [LinkPath] = []
        for path in paths {
            let names = path.split(separator: ".", omittingEmptySubsequences: false).map { $0.lowercased() }
            guard names.allSatisfy({ isName($0) }) else { throw refusal(text, "it names no link") }
            guard names.count <= depthMax else { throw refusal(text, "it goes over more than \(depthMax) links") }
            insert(names[...], into: &found)
        }
        return found
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 || (48...57).contains($0) }
    }

    private static func insert(_ names: ArraySlice<String>, into paths: inout [LinkPath]) {
        guard let name = names.first else { return }
        let place = paths.firstIndex { $0.name == name } ?? paths.endIndex
        if place == paths.endIndex { paths.append(LinkPath(name: name)) }
        insert(names.dropFirst(), into: &paths[place].next)
    }

    private static func refusal(_ text: String, _ reason: String) -> Fault {
        Fault(
            .badRequest,
            "follow=\(text.prefix(100)) is not understood: \(reason).",
            remedy: "Write follow=LINK,LINK.LINK, for example follow=cluster.data_center,tags."
        )
    }
}
