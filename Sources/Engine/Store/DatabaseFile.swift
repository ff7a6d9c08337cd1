import Foundation
import Glibc
import SystemPackage

/// The database as it lies in the file system. SQLite goes on writing into a file that was deleted or replaced behind its
/// back, and all of that is gone with the process: so before each transaction it is looked whether the path still leads to
/// the file that was opened.
final class DatabaseFile: Sendable {
    /// A file that is held by a descriptor which opens nothing (O_PATH), so that the kernel tells where it lies now, and which
    /// drops no lock of SQLite's when it is closed.
    private struct Held: Sendable {
        var descriptor: FileDescriptor
        /// Where it lay when it was opened.
        var place: String
    }

    let path: String
    /// The file itself, and the journal beside it in which committed changes stand first.
    private let held: [Held]

    /// O_PATH (open(2)), which Glibc's module does not show.
    private static let onlyPath = FileDescriptor.OpenOptions(rawValue: 0o10_000_000)

    /// Of a database that is open. Its journal counts where there is one.
    init(opened path: String) {
        self.path = path
        held = [path, "\(path)-wal"].compactMap { path in
            let options: FileDescriptor.OpenOptions = [.closeOnExec, Self.onlyPath]
            guard let descriptor = try? FileDescriptor.open(FilePath(path), .readOnly, options: options) else {
                return nil
            }
            guard let place = Self.place(of: descriptor) else {
                try? descriptor.close()
                return nil
            }
            return Held(descriptor: descriptor, place: place)
        }
    }

    deinit { for each in held { try? each.descriptor.close() } }

    /// Throws when what was opened is not there any more. Costs two calls of readlink(2).
    func check() throws(EngineError) {
        for each in held where Self.place(of: each.descriptor) != each.place {
            throw EngineError(
                .failed,
                "The engine's database \(path) was deleted or replaced while the engine runs; nothing is written any more.",
                remedy:
                    "Copy what is left of it, stop the engine, and restore a backup: muster-engine restore FILE --overwrite."
            )
        }
    }

    /// Where the file lies now; with ` (deleted)` behind it when its last name is gone (proc(5)).
    private static func place(of descriptor: FileDescriptor) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink("/proc/self/fd/\(descriptor.rawValue)", start, buffer.count)
            guard length > 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
        }
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
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
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
