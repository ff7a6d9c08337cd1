import CArchive
package import SystemPackage

/// Writes one tar archive: ustar, with pax headers only where ustar has no room (long names, extended attributes, large
/// numbers). Owns the libarchive handle. The bytes depend on nothing but the entries and their order; extended attributes
/// go in as `SCHILY.xattr`, which GNU tar and mksquashfs read.
package struct TarWriter: ~Copyable, ArchiveHandle {
    private static let block = 1 << 20

    let handle: OpaquePointer
    let path: String

    private init(owning handle: OpaquePointer, path: String) { (self.handle, self.path) = (handle, path) }

    deinit { archive_write_free(handle) }

    /// Creates or truncates the file.
    package static func create(at path: FilePath) throws(ArchiveError) -> TarWriter {
        let writer = try make(path.string)
        try writer.check(archive_write_open_filename(writer.handle, path.string), "create")
        return writer
    }

    /// Writes to an open file or pipe, which stays the caller's. A pipe that nobody reads any more is an error only where
    /// SIGPIPE is blocked or ignored.
    package static func open(_ descriptor: FileDescriptor, name: String) throws(ArchiveError) -> TarWriter {
        let writer = try make(name)
        try writer.check(archive_write_open_fd(writer.handle, descriptor.rawValue), "open")
        return writer
    }

    private static func make(_ path: String) throws(ArchiveError) -> TarWriter {
        guard let handle = archive_write_new() else {
            throw ArchiveError(operation: "create", path: path, detail: "out of memory")
        }
        let writer = TarWriter(owning: handle, path: path)
        try writer.check(archive_write_set_format_pax_restricted(handle), "set the format")
        try writer.check(archive_write_set_format_option(handle, "pax", "xattrheader", "SCHILY"), "set the format")
        try writer.check(archive_write_set_bytes_per_block(handle, CInt(block)), "set the block size")
        try writer.check(archive_write_set_bytes_in_last_block(handle, 1), "set the block size")
        return writer
    }

    /// Begins an entry. A file's content follows by `write` or `ArchiveReader.copyContent`, exactly as many bytes as the
    /// entry says.
    package borrowing func begin(_ entry: ArchiveEntry) throws(ArchiveError) {
        guard let header = archive_entry_new() else { throw failure("write \(entry.path)", "out of memory") }
        defer { archive_entry_free(header) }
        archive_entry_set_pathname(header, entry.path.text)
        archive_entry_set_size(header, 0)
        let type: UInt32
        switch entry.kind {
        case .file(let size):
            type = 0o100000
            archive_entry_set_size(header, size)
        case .directory: type = 0o040000
        case .symbolicLink(let target):
            type = 0o120000
            archive_entry_set_symlink(header, target)
        case .hardLink(let target):
            type = 0o100000
            archive_entry_set_hardlink(header, target.text)
        case .other: throw failure("write \(entry.path)", "devices, pipes and sockets are not written")
        }
        archive_entry_set_mode(header, type | UInt32(entry.mode))
        archive_entry_set_mtime(header, time_t(entry.modified), 0)
        archive_entry_set_uid(header, entry.user)
        archive_entry_set_gid(header, entry.group)
        for (name, value) in entry.attributes.sorted(by: { $0.key < $1.key }) {
            archive_entry_xattr_add_entry(header, name, value, value.count)
        }
        try check(inUTF8 { archive_write_header(handle, header) }, "write \(entry.path)")
    }

    /// Some of the content of the entry begun last.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        try writeContent(bytes, "write")
    }

    /// A whole file.
    package borrowing func append(_ entry: ArchiveEntry, content: [UInt8]) throws(ArchiveError) {
        var entry = entry
        if case .file = entry.kind { entry.kind = .file(size: Int64(content.count)) }
        try begin(entry)
        try writeContent(content, "write \(entry.path)")
    }

    /// Writes the end, flushes and closes. Consuming: a finished archive takes nothing more.
    package consuming func finish() throws(ArchiveError) { try check(archive_write_close(handle), "finish") }
}
