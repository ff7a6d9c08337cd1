package import Archive

/// A pattern of paths in a tree: `*` and `?` within a component, `**` over any number of components.
package struct PathPattern: Hashable, Sendable {
    package let text: String
    private let components: [[UInt8]]

    /// `nil` for what names nothing below the root.
    package init?(_ text: some StringProtocol) {
        guard let path = TreePath(text) else { return nil }
        self.text = path.text
        components = path.text.split(separator: "/").map { Array($0.utf8) }
        // A pattern of nothing but `**` would be the whole tree.
        guard components.contains(where: { $0 != Self.anything }) else { return nil }
    }

    /// True for a path that the pattern names itself; what a named folder holds is the caller's.
    package func matches(_ path: TreePath) -> Bool {
        Self.matches(components[...], path.text.split(separator: "/").map { Array($0.utf8) }[...])
    }

    private static let anything = Array("**".utf8)

    private static func matches(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == anything {
            return (path.startIndex...path.endIndex).contains { matches(pattern.dropFirst(), path[$0...]) }
        }
        guard let name = path.first, matchesComponent(first, name) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    /// The usual two-pointer match: at a mismatch the last star takes one byte more.
    private static func matchesComponent(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (at, place) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while place < name.count {
            if at < pattern.count, pattern[at] == 0x2A {
                star = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == 0x3F || pattern[at] == name[place] {
                (at, place) = (at + 1, place + 1)
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                (at, place) = (last.pattern + 1, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == 0x2A }
    }
}
