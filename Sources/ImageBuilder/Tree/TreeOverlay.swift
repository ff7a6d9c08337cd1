import Archive
import FoundationEssentials
import SystemPackage

/// What a stage changes in a tree, without a copy of the tree: paths that go, entries that come or replace others, and
/// owners that have got other numbers.
struct TreeOverlay: Sendable {
    enum Content: Hashable, Sendable {
        case bytes([UInt8])
        /// A file of this machine, read when the tree is written.
        case file(FilePath)
        /// Directories and links have none.
        case none
    }

    struct Owners: Hashable, Sendable, Codable {
        var users: [Int64: Int64] = [:]
        var groups: [Int64: Int64] = [:]
    }

    private static let ownersName = "owners.json"
    private static let removedName = "removed"
    private static let addedName = "added.tar"
    private static let largestList = 256 << 20
    /// A file of an overlay is read into memory; the agent has 35 MB.
    private static let largestFile = 512 << 20

    private(set) var removed: Set<TreePath> = []
    /// Old and new numbers of the owners of what the base has; what is added has its own.
    var owners = Owners()
    private(set) var added: [TreePath: (entry: ArchiveEntry, content: Content)] = [:]

    mutating func remove(_ path: TreePath) {
        removed.insert(path)
        added[path] = nil
    }

    mutating func add(_ entry: ArchiveEntry, _ content: Content = .none) {
        added[entry.path] = (entry, content)
        removed.remove(entry.path)
    }

    /// Adds a file of root's with this text.
    mutating func add(_ text: String, at path: TreePath, mode: UInt16 = 0o644, epoch: Int64) {
        let bytes = Array(text.utf8)
        let entry = ArchiveEntry(path: path, kind: .file(size: Int64(bytes.count)), mode: mode, modified: epoch)
        add(entry, .bytes(bytes))
    }

    /// By the bytes of the paths, parents first.
    var sorted: [(entry: ArchiveEntry, content: Content)] {
        added.sorted { $0.key < $1.key }.map { $0.value }
    }

    /// Makes a folder that holds this overlay.
    func write(to folder: FilePath) throws {
        try makeDirectory(folder)
        // NUL ends a name: it is the one byte that no name has.
        var list: [UInt8] = []
        for path in removed.sorted() { list += Array(path.text.utf8) + [0] }
        try writeFile(list, to: folder.appending(Self.removedName))
        try writeFile(try JSONEncoder().encode(owners), to: folder.appending(Self.ownersName))
        let tar = folder.appending(Self.addedName)
        let writer = try TarWriter.create(at: tar)
        for (entry, content) in sorted { try Self.write(entry, content, to: writer) }
        try writer.finish()
        try flush(tar)
    }

    static func write(_ entry: ArchiveEntry, _ content: Content, to writer: borrowing TarWriter) throws {
        switch content {
        case .none: try writer.begin(entry)
        case .bytes(let bytes): try writer.append(entry, content: bytes)
        case .file(let file): try writer.append(entry, content: try readBytes(file, limit: largestFile))
        }
    }

    /// Reads an overlay's folder.
    static func read(_ folder: FilePath) throws -> TreeOverlay {
        var overlay = TreeOverlay()
        let list = try readBytes(folder.appending(removedName), limit: largestList)
        for name in list.split(separator: 0) {
            guard let path = TreePath(String(decoding: name, as: UTF8.self)) else { continue }
            overlay.removed.insert(path)
        }
        let owners = try readBytes(folder.appending(ownersName), limit: 1 << 20)
        overlay.owners = try JSONDecoder().decode(Owners.self, from: Data(owners))
        var reader = try ArchiveReader.open(folder.appending(addedName))
        while let entry = try reader.nextEntry() {
            let isFile = if case .file = entry.kind { true } else { false }
            overlay.added[entry.path] = (entry, isFile ? .bytes(try reader.readContent(limit: largestFile)) : .none)
        }
        return overlay
    }

    /// This overlay with another one over it, which changes no owners.
    func under(_ upper: TreeOverlay) -> TreeOverlay {
        var result = self
        for path in upper.removed { result.remove(path) }
        for (path, value) in upper.added {
            result.added[path] = value
            result.removed.remove(path)
        }
        return result
    }
}
