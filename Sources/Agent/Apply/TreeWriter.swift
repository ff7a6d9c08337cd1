import AgentWire
import Glibc
import SystemPackage

/// Writes one directory of a network configuration, quickly and durably: files of entities that did not change are hard
/// links to the former ones, and many new ones are flushed together.
struct TreeWriter {
    private let root: FilePath
    private let former: FilePath?
    private var written: [FilePath] = []

    /// With more new files than this the file system is flushed once, instead of each file.
    private static let singlyMax = 16

    init(_ root: FilePath, sharing former: FilePath?) { (self.root, self.former) = (root, former) }

    func begin() throws(FileFailure) {
        for part in ["nets", "bonds", "devices"] {
            try NodeDirectory(root.appending(part)).make(permissions: .directory)
        }
    }

    mutating func put(_ name: String, in part: String, isSame: Bool, _ value: () -> JSONValue) throws {
        let path = root.appending(part).appending(name)
        if isSame, let former, link(former.appending(part).appending(name).string, path.string) == 0 { return }
        let text = value().pretty() + "\n"
        let file = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw FileFailure(path, "create") }
        defer { close(file) }
        guard write(file, text, text.utf8.count) == text.utf8.count else { throw FileFailure(path, "write") }
        written.append(path)
    }

    func flush() throws(FileFailure) {
        if written.count > Self.singlyMax {
            try flush(root) { flushFileSystem($0) }
        } else {
            for path in written { try flush(path) { fsync($0) } }
            for part in ["nets", "bonds", "devices"] { try flush(root.appending(part)) { fsync($0) } }
            try flush(root) { fsync($0) }
        }
    }

    private func flush(_ path: FilePath, _ call: @Sendable (Int32) -> Int32) throws(FileFailure) {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path, "open") }
        defer { close(descriptor) }
        guard call(descriptor) == 0 || errno == EINVAL else { throw FileFailure(path, "flush") }
    }
}

/// syncfs(2), which Glibc's module does not show.
@_silgen_name("syncfs")
private func flushFileSystem(_ descriptor: Int32) -> Int32
