import CArchive
package import SystemPackage

/// Reads one tar, cpio or ar archive through whatever it is compressed with. Owns the libarchive handle, and the bytes
/// where it reads from memory. An archive is hostile: paths that lead out of it, entries without end and contents over
/// the caller's limit are errors.
package struct ArchiveReader: ~Copyable, ArchiveHandle {
    /// Entries that one archive may hold.
    package static let mostEntries = 1_000_000
    private static let block = 1 << 16

    let handle: OpaquePointer
    let path: String
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
            let code = inUTF8 { archive_read_next_header(handle, &entry) }
            if code == ARCHIVE_EOF { return nil }
            try check(code, "read the next entry")
            entries += 1
            guard entries <= Self.mostEntries else { throw failure("read", "more than \(Self.mostEntries) entries") }
            // Bytes that are no UTF-8 have no name here: a repaired one would be another file's.
            guard let entry,
                let name = inUTF8({ archive_entry_pathname(entry) }).flatMap(String.init(validatingCString:))
            else {
                throw failure("read", "entry \(entries) has no readable name")
            }
            if name == "." || name == "./" { continue }
            guard !name.hasPrefix("/"), let path = TreePath(name) else {
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

    /// Hands the content of the entry that `nextEntry()` just gave to the entry that `writer` just began. Gives its bytes.
    @discardableResult
    package mutating func copyContent(to writer: borrowing TarWriter) throws(ArchiveError) -> Int64 {
        var size: Int64 = 0
        try forEachChunk { chunk throws(ArchiveError) in
            try writer.write(chunk)
            size += Int64(chunk.count)
        }
        return size
    }

    private static func failure(writing file: FilePath, _ error: any Error, _ path: String) -> ArchiveError {
        let code = (error as? Errno)?.rawValue ?? 0
        return ArchiveError(operation: "write \(file)", path: path, detail: "\(error)", code: code)
    }

    borrowing func forEachChunk(
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
            let text = String(cString: target)
            guard !text.hasPrefix("/"), let target = TreePath(text) else {
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
            group: archive_entry_gid(entry),
            attributes: attributes(of: entry),
            hasAccessControlList: archive_entry_acl_types(entry) != 0
        )
    }

    private borrowing func attributes(of entry: OpaquePointer) -> [String: [UInt8]] {
        guard archive_entry_xattr_reset(entry) > 0 else { return [:] }
        var attributes: [String: [UInt8]] = [:]
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name, attributes.count < ArchiveEntry.mostAttributes else { continue }
            attributes[String(cString: name)] =
                value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) } ?? []
        }
        return attributes
    }
}
