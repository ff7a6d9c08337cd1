package import SystemPackage

/// A root tree as it will stand in an archive. Everything in it belongs to root; there is nothing on disk to unpack,
/// own or mknod, so a build needs no privilege.
package struct FileTree: Sendable {
    package enum Content: Hashable, Sendable {
        case bytes([UInt8])
        /// Read when the tree is written.
        case file(FilePath)
    }

    package enum Node: Hashable, Sendable {
        case directory(mode: UInt16)
        case file(Content, mode: UInt16)
        case symbolicLink(target: String)
        case characterDevice(major: UInt32, minor: UInt32, mode: UInt16)
    }

    package private(set) var nodes: [TreePath: Node] = [:]

    package init() {}

    /// Adds a node, and the directories above it (mode 0755) where they are missing. A node that stands there already is
    /// replaced by one of its own kind; anything else is an error, because one of the two was meant to be elsewhere.
    package mutating func add(_ node: Node, at path: TreePath) throws(ArchiveError) {
        if let present = nodes[path], !present.isOfKind(node) {
            throw ArchiveError(operation: "add \(path)", path: "tree", detail: "something of another kind stands there")
        }
        var ancestor = path.parent
        while let directory = ancestor {
            switch nodes[directory] {
            case nil: nodes[directory] = .directory(mode: 0o755)
            case .directory: break
            default:
                throw ArchiveError(operation: "add \(path)", path: "tree", detail: "\(directory) is no directory")
            }
            ancestor = directory.parent
        }
        nodes[path] = node
    }

    /// Adds everything of another tree.
    package mutating func add(_ other: FileTree) throws(ArchiveError) {
        for (path, node) in other.sorted { try add(node, at: path) }
    }

    /// By the bytes of the paths, parents first.
    package var sorted: [(path: TreePath, node: Node)] {
        nodes.sorted { $0.key < $1.key }.map { (path: $0.key, node: $0.value) }
    }
}

extension FileTree.Node {
    fileprivate func isOfKind(_ other: FileTree.Node) -> Bool {
        switch (self, other) {
        case (.directory, .directory), (.file, .file), (.symbolicLink, .symbolicLink): true
        case (.characterDevice, .characterDevice): true
        default: false
        }
    }
}
