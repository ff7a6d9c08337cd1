import CArchive
package import SystemPackage

/// One entry's header.
package struct ArchiveEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file(size: Int64)
        case directory
        case symbolicLink(target: String)
        /// Another name of an entry that came before, or that carries the content later (cpio).
        case hardLink(target: TreePath)
        /// Devices, pipes and sockets: listed, never made.
        case other
    }

    package var path: TreePath
    package var kind: Kind
    /// Permission bits, set-id bits included.
    package var mode: UInt16
    /// Seconds since 1970.
    package var modified: Int64
    package var owner: (user: Int64, group: Int64) { (user, group) }
    private var user: Int64
    private var group: Int64

    init(path: TreePath, kind: Kind, mode: UInt16, modified: Int64, user: Int64, group: Int64) {
        (self.path, self.kind, self.mode, self.modified) = (path, kind, mode, modified)
        (self.user, self.group) = (user, group)
    }
}

/// Reads one tar, cpio or ar archive through whatever it is compressed with. Owns the libarchive handle, and the bytes
/// where it reads from memory. An archive is hostile: paths that lead out of it, entries without end and contents over
/// the caller's limit are errors.
package struct ArchiveReader: ~Copyable {
    /// Entries that one archive may hold.
    package static let mostEntries = 1_000_000
    private static let block = 1 << 16

    private let handle: OpaquePointer
    private let path: String
    private let memory: UnsafeMutableRawBufferPointer?
    private var entries = 0

    private init(owning handle: OpaquePointer, path: String, memory: UnsafeMutableRawBufferPointer?) {
        (self.handle, self.path, self.memory) = (handle, path, memory)
    }

    deinit {
        archive_read_free(handle)
        memory?.deallocate()
    }

    /// Opens a file.
    package static func open(_ path: FilePath) throws(ArchiveError) -> ArchiveReader {
        let reader = try make(path: path.string, memory: nil)
        try reader.check(archive_read_open_filename(reader.handle, path.string, block), "open")
        return reader
    }

    /// Opens an archive that stands in memory; `name` is for messages.
    package static func open(bytes: [UInt8], name: String) throws(ArchiveError) -> ArchiveReader {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
        memory.copyBytes(from: bytes)
        return try open(owning: memory, count: bytes.count, name: name)
    }

    static func open(
        owning memory: UnsafeMutableRawBufferPointer,
        count: Int,
        name: String
    ) throws(ArchiveError) -> ArchiveReader {
        let reader = try make(path: name, memory: memory)
        try reader.check(archive_read_open_memory(reader.handle, memory.baseAddress, count), "open")
        return reader
    }

    private static func make(
        path: String,
        memory: UnsafeMutableRawBufferPointer?
    ) throws(ArchiveError) -> ArchiveReader {
        guard let handle = archive_read_new() else {
            memory?.deallocate()
            throw ArchiveError(operation: "open", path: path, detail: "out of memory")
        }
        let reader = ArchiveReader(owning: handle, path: path, memory: memory)
        try reader.check(archive_read_support_filter_all(handle), "prepare")
        try reader.check(archive_read_support_format_tar(handle), "prepare")
        try reader.check(archive_read_support_format_cpio(handle), "prepare")
        try reader.check(archive_read_support_format_ar(handle), "prepare")
        return reader
    }

    /// The next entry, or `nil` after the last. What was not read of the entry before is skipped. The root directory's own
    /// entry (`./`) is left out.
    package mutating func nextEntry() throws(ArchiveError) -> ArchiveEntry? {
        while true {
            var entry: OpaquePointer?
            let code = archive_read_next_header(handle, &entry)
            if code == ARCHIVE_EOF { return nil }
            try check(code, "read the next entry")
            entries += 1
            guard entries <= Self.mostEntries else { throw failure("read", "more than \(Self.mostEntries) entries") }
            guard let entry, let name = archive_entry_pathname(entry).map({ String(cString: $0) }) else {
                throw failure("read", "entry \(entries) has no readable name")
            }
            if name == "." || name == "./" || name == "/" { continue }
            guard let path = TreePath(name) else {
                throw failure("read", "the name \(name.debugDescription) leads out of the archive")
            }
            return try describe(entry, path)
        }
    }

    /// The content of the entry that `nextEntry()` just gave. More than `limit` bytes are an error.
    package mutating func readContent(limit: Int) throws(ArchiveError) -> [UInt8] {
        var content: [UInt8] = []
        try forEachChunk { chunk throws(ArchiveError) in
            guard content.count + chunk.count <= limit else {
                throw failure("read", "an entry is larger than \(limit) bytes")
            }
            content.append(contentsOf: chunk)
        }
        return content
    }

    /// Writes the content of the entry that `nextEntry()` just gave to a new file.
    package mutating func extractContent(to file: FilePath, mode: UInt16) throws(ArchiveError) {
        do {
            let permissions = FilePermissions(rawValue: CModeT(mode))
            let options: FileDescriptor.OpenOptions = [.create, .exclusiveCreate, .noFollow, .closeOnExec]
            let output = try FileDescriptor.open(file, .writeOnly, options: options, permissions: permissions)
            defer { try? output.close() }
            try forEachChunk { chunk throws(ArchiveError) in
                do { _ = try output.writeAll(chunk) } catch { throw Self.failure(writing: file, error, path) }
            }
        } catch let error as ArchiveError {
            throw error
        } catch {
            throw Self.failure(writing: file, error, path)
        }
    }

    private static func failure(writing file: FilePath, _ error: any Error, _ path: String) -> ArchiveError {
        let code = (error as? Errno)?.rawValue ?? 0
        return ArchiveError(operation: "write \(file)", path: path, detail: "\(error)", code: code)
    }

    private borrowing func forEachChunk(
        _ body: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = archive_read_data(handle, buffer.baseAddress, buffer.count)
            guard count >= 0 else { throw lastFailure("read", "libarchive code \(count)") }
            guard count > 0 else { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
        }
    }

    private borrowing func describe(_ entry: OpaquePointer, _ path: TreePath) throws(ArchiveError) -> ArchiveEntry {
        let mode = UInt16(truncatingIfNeeded: archive_entry_mode(entry))
        let kind: ArchiveEntry.Kind
        if let target = archive_entry_hardlink(entry) {
            guard let target = TreePath(String(cString: target)) else {
                throw failure("read", "the hard link \(path) leads out of the archive")
            }
            kind = .hardLink(target: target)
        } else {
            kind =
                switch UInt32(archive_entry_filetype(entry)) {
                case 0o100000: .file(size: archive_entry_size(entry))
                case 0o040000: .directory
                case 0o120000: .symbolicLink(target: archive_entry_symlink(entry).map { String(cString: $0) } ?? "")
                default: .other
                }
        }
        return ArchiveEntry(
            path: path,
            kind: kind,
            mode: mode & 0o7777,
            modified: Int64(archive_entry_mtime(entry)),
            user: archive_entry_uid(entry),
            group: archive_entry_gid(entry)
        )
    }

    private borrowing func check(_ code: CInt, _ operation: String) throws(ArchiveError) {
        if code != ARCHIVE_OK { throw lastFailure(operation, "libarchive code \(code)") }
    }

    private borrowing func lastFailure(_ operation: String, _ otherwise: String) -> ArchiveError {
        let detail = archive_error_string(handle).map { String(cString: $0) } ?? otherwise
        return ArchiveError(operation: operation, path: path, detail: detail, code: archive_errno(handle))
    }

    private borrowing func failure(_ operation: String, _ detail: String) -> ArchiveError {
        ArchiveError(operation: operation, path: path, detail: detail)
    }
}
