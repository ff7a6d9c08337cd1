import Archive
import SystemPackage

/// What stands in a base tree: every entry's header, and the content of the few files that a build reads.
///
/// The tree is a tar archive, and may come from anywhere. What an archive must not have is refused here, before a byte of
/// it is used: names that lead out, entries below a link or a file, links to what is not there, the same name twice,
/// devices, whiteouts of container layers, more than a tree can have.
struct TreeIndex: Sendable {
    /// Bytes that the files of a tree have together; an archive can promise far more in a few kilobytes.
    static let largestTree: Int64 = 64 << 30
    /// Bytes of a file whose content is read: dpkg's status of 2000 packages has 3 MB, modules.dep 0.6.
    private static let largestText = 64 << 20
    /// How many symbolic links one path may go through, as in Linux (MAXSYMLINKS).
    private static let mostLinks = 40
    private static let whiteout = ".wh."

    private(set) var entries: [TreePath: ArchiveEntry] = [:]
    /// The contents of those that `isWanted` named.
    private(set) var texts: [TreePath: [UInt8]] = [:]
    /// Bytes of all files together.
    private(set) var size: Int64 = 0

    /// Reads a tree. `isTrusted` is for what a tool of this machine has just made: its device nodes (which never reach an
    /// image) are no sign of anything.
    static func read(_ file: FilePath, isTrusted: Bool, isWanted: (TreePath) -> Bool) throws -> TreeIndex {
        var index = TreeIndex()
        var reader = try ArchiveReader.open(file)
        while let entry = try reader.nextEntry() {
            try Task.checkCancellation()
            do {
                try index.add(entry, isTrusted: isTrusted)
            } catch let problem as TreeProblem {
                throw problem.error(in: file)
            }
            guard case .file = entry.kind, isWanted(entry.path) else { continue }
            index.texts[entry.path] = try reader.readContent(limit: largestText)
        }
        return index
    }

    /// Why an entry is refused.
    struct TreeProblem: Error {
        var path: TreePath
        var reason: String

        func error(in file: FilePath) -> BuildError {
            BuildError(
                .result,
                "the tree \(file) is refused: \(path.text.debugDescription) \(reason)",
                remedy: "make the archive again from a clean tree"
            )
        }
    }

    mutating func add(_ entry: ArchiveEntry, isTrusted: Bool) throws {
        let path = entry.path
        if path.name.hasPrefix(Self.whiteout) { throw TreeProblem(path: path, reason: "is a whiteout of a layer") }
        try checkParents(of: path)
        if let present = entries[path] {
            // A directory may be named again; anything else twice means that one of the two hides the other.
            guard present.kind == .directory, entry.kind == .directory else {
                throw TreeProblem(path: path, reason: "is there twice")
            }
        }
        switch entry.kind {
        case .file(let bytes):
            size += bytes
            guard bytes >= 0, size <= Self.largestTree else {
                throw TreeProblem(path: path, reason: "makes the tree larger than \(Self.largestTree >> 30) GiB")
            }
        case .hardLink(let target):
            guard case .file? = entries[target]?.kind else {
                throw TreeProblem(path: path, reason: "is a hard link to \(target), which is no file before it")
            }
        case .symbolicLink(let target):
            guard !target.isEmpty, target.utf8.count <= TreePath.longestPath else {
                throw TreeProblem(path: path, reason: "is a symbolic link to nothing")
            }
        case .other:
            // Sockets and pipes are run-time state; what stands in /dev is the kernel's.
            guard isTrusted else { throw TreeProblem(path: path, reason: "is a device, a pipe or a socket") }
        case .directory: break
        }
        guard (0...Int64(UInt32.max)).contains(entry.user), (0...Int64(UInt32.max)).contains(entry.group) else {
            throw TreeProblem(path: path, reason: "has an owner that Linux cannot have")
        }
        entries[path] = entry
    }

    /// Every directory above must be one, where it is named at all: an entry below a symbolic link would be written to where
    /// the link leads.
    private func checkParents(of path: TreePath) throws {
        var ancestor = path.parent
        while let directory = ancestor {
            if let kind = entries[directory]?.kind {
                guard kind == .directory else {
                    throw TreeProblem(path: path, reason: "stands below \(directory), which is no directory")
                }
                // Its own parents were looked at when it came.
                return
            }
            ancestor = directory.parent
        }
    }

    /// Where a path really is: the links among its directories are followed within the tree. The last component is left
    /// as it is.
    func resolve(_ path: TreePath) throws -> TreePath {
        var links = 0
        var done: [Substring] = []
        var left = path.text.split(separator: "/")
        while let component = left.first {
            left.removeFirst()
            if component == "." { continue }
            if component == ".." {
                _ = done.popLast()
                continue
            }
            done.append(component)
            guard !left.isEmpty, let here = TreePath(done.joined(separator: "/")),
                case .symbolicLink(let target)? = entries[here]?.kind
            else { continue }
            links += 1
            guard links <= Self.mostLinks else { throw TreeProblem(path: path, reason: "goes through too many links") }
            if target.hasPrefix("/") { done.removeAll() } else { done.removeLast() }
            left = target.split(separator: "/") + left
        }
        guard let resolved = TreePath(done.joined(separator: "/")) else {
            throw TreeProblem(path: path, reason: "leads to the root itself")
        }
        return resolved
    }

    /// The content of a file that was read, wherever its directory really is.
    func text(_ path: String) -> String? {
        guard let path = TreePath(path), let place = try? resolve(path), let bytes = texts[place] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The entry at a path, wherever its directory really is.
    func entry(_ path: TreePath) -> ArchiveEntry? { (try? resolve(path)).flatMap { entries[$0] } }
}
