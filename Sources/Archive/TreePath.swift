/// A path inside an archive or a root tree: relative, without `.`, `..`, empty components or NUL, so that it cannot
/// lead out of the place where it is used.
package struct TreePath: Hashable, Sendable {
    /// Linux's PATH_MAX less the final NUL, in bytes.
    package static let longestPath = 4095
    /// Linux's NAME_MAX, in bytes.
    package static let longestComponent = 255

    package let text: String

    /// Takes `usr/bin`, `/usr/bin`, `./usr/bin` and `usr/bin/`; `nil` for the root itself, `..` anywhere, and what is too
    /// long.
    package init?(_ text: some StringProtocol) {
        let components = text.split(separator: "/").filter { $0 != "." }
        guard !components.isEmpty, text.utf8.count <= Self.longestPath, !text.utf8.contains(0) else { return nil }
        guard components.allSatisfy({ $0 != ".." && $0.utf8.count <= Self.longestComponent }) else { return nil }
        self.text = components.joined(separator: "/")
    }

    private init(unchecked text: String) { self.text = text }

    /// The directory that holds it; `nil` at the top.
    package var parent: TreePath? {
        text.lastIndex(of: "/").map { TreePath(unchecked: String(text[..<$0])) }
    }

    /// The last component.
    package var name: Substring { text.lastIndex(of: "/").map { text[text.index(after: $0)...] } ?? text[...] }

    /// True for what stands anywhere below `directory`.
    package func isBelow(_ directory: TreePath) -> Bool { text.hasPrefix(directory.text + "/") }
}

extension TreePath: Comparable, CustomStringConvertible {
    /// By bytes, as in the C locale: the same everywhere, and parents come before what they hold.
    package static func < (left: TreePath, right: TreePath) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package static func == (left: TreePath, right: TreePath) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }

    package var description: String { text }
}
