import Glibc

/// The database as it lies in the file system. SQLite goes on writing into a file that was deleted or replaced behind its
/// back, and all of that is gone with the process: so before each transaction it is looked whether the path still leads to
/// the file that was opened.
struct DatabaseFile: Sendable {
    private struct Identity: Hashable, Sendable {
        var device: dev_t
        var inode: ino_t
    }

    let path: String
    /// The file itself, and the journal beside it in which committed changes stand first.
    private let opened: [String: Identity]

    /// Of a database that is open. Its journal counts where there is one.
    init(opened path: String) {
        self.path = path
        let identities = [path, "\(path)-wal"].compactMap { path in Self.identity(path).map { (path, $0) } }
        opened = Dictionary(identities) { first, _ in first }
    }

    /// Throws when what was opened is not there any more. Costs two calls of stat(2).
    func check() throws(EngineError) {
        for (path, identity) in opened where Self.identity(path) != identity {
            throw EngineError(
                .failed,
                "The engine's database \(path) was deleted or replaced while the engine runs; nothing is written any more.",
                remedy:
                    "Copy what is left of it, stop the engine, and restore a backup: muster-engine restore FILE --overwrite."
            )
        }
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: status.st_dev, inode: status.st_ino)
    }

    /// Refuses a database file that cannot be an installation's: none, an empty one, or one that ends before the pages that
    /// its header counts. A journal may hold the missing pages, and is SQLite's to read.
    static func checkBeforeOpening(_ path: String) throws(EngineError) {
        let remedy = "Restore a backup: muster-engine restore FILE --overwrite."
        guard access(path, F_OK) == 0 else {
            throw EngineError(.notFound, "There is no database \(path).", remedy: remedy)
        }
        guard let size = size(of: path), size > 0 else {
            throw EngineError(.invalid, "The database \(path) is empty.", remedy: remedy)
        }
        guard (Self.size(of: "\(path)-wal") ?? 0) == 0, let header = header(of: path),
            header.starts(with: Array("SQLite format 3\u{0}".utf8))
        else { return }
        let pages = header[28..<32].reduce(0) { $0 << 8 | Int($1) }
        let short = Int(header[16]) << 8 | Int(header[17])
        let pageSize = short == 1 ? 65_536 : short
        guard size >= pages * pageSize else {
            throw EngineError(
                .invalid,
                "The database \(path) is cut off: \(size) bytes of \(pages * pageSize).",
                remedy: remedy
            )
        }
    }

    private static func size(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The first 100 bytes (SQLite's file format, 1.3).
    private static func header(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        // Before SQLite has it open: closing any descriptor of a file drops the locks that the process holds on it.
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 100)
        return read(descriptor, &bytes, bytes.count) == bytes.count ? bytes : nil
    }
}
