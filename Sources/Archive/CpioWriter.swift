import CArchive
package import SystemPackage

/// Writes one cpio archive in the newc format, the kernel's for an initramfs. Owns the libarchive handle.
///
/// The bytes depend on nothing but the tree and the epoch: owner 0, device 0, inode numbers counted from 1, every time
/// stamp the epoch, entries in the order of their paths' bytes. newc has no place for extended attributes.
package struct CpioWriter: ~Copyable, ArchiveHandle {
    package enum Compression: Hashable, Sendable {
        case none
        /// RFC 1952, without name and time. Level 1 to 9.
        case gzip(level: Int)
        /// Level 1 to 22. Above 19 the window outgrows what small machines have.
        case zstd(level: Int)
    }

    /// The size field has eight hex digits.
    package static let largestFile: Int64 = 0xFFFF_FFFF
    /// Threads of zstd. The bytes are the same for any number from 1 on; without threads they are others.
    private static let threads = 4
    /// How much of a file is in memory at a time, in bytes.
    private static let chunk = 1 << 20

    let handle: OpaquePointer
    let path: String
    private let epoch: Int64
    private var inode: Int64 = 0

    private init(owning handle: OpaquePointer, path: String, epoch: Int64) {
        (self.handle, self.path, self.epoch) = (handle, path, epoch)
    }

    deinit { archive_write_free(handle) }

    /// Creates or truncates the file. `epoch` is in seconds since 1970 and must fit newc's 32 bits.
    package static func create(
        at path: FilePath,
        compression: Compression,
        epoch: Int64
    ) throws(ArchiveError) -> CpioWriter {
        guard (0...0xFFFF_FFFF).contains(epoch) else {
            throw ArchiveError(operation: "create", path: path.string, detail: "newc cannot hold the time \(epoch)")
        }
        guard let handle = archive_write_new() else {
            throw ArchiveError(operation: "create", path: path.string, detail: "out of memory")
        }
        let writer = CpioWriter(owning: handle, path: path.string, epoch: epoch)
        try writer.check(archive_write_set_format_cpio_newc(handle), "set the format")
        try writer.setFilter(compression)
        try writer.check(archive_write_set_bytes_per_block(handle, CInt(chunk)), "set the block size")
        try writer.check(archive_write_set_bytes_in_last_block(handle, 1), "set the block size")
        try writer.check(archive_write_open_filename(handle, path.string), "create")
        return writer
    }

    /// Appends all of a tree.
    package mutating func append(_ tree: FileTree) throws(ArchiveError) {
        for (path, node) in tree.sorted { try append(node, at: path) }
    }

    /// Appends one node. Its parent must have been appended before: the kernel makes no missing directories.
    package mutating func append(_ node: FileTree.Node, at treePath: TreePath) throws(ArchiveError) {
        guard treePath.text != "TRAILER!!!" else { throw failure("write \(treePath)", "newc ends at this name") }
        inode += 1
        switch node {
        case .directory(let mode):
            try writeHeader(treePath, 0o040000 | mode, links: 2)
        case .symbolicLink(let target):
            try writeHeader(treePath, 0o120777, size: 0, target: target)
        case .characterDevice(let major, let minor, let mode):
            try writeHeader(treePath, 0o020000 | mode, device: (major, minor))
        case .file(.bytes(let bytes), let mode):
            try writeHeader(treePath, 0o100000 | mode, size: Int64(bytes.count))
            try writeContent(bytes, "write \(treePath)")
        case .file(.file(let source), let mode):
            try copy(source, to: treePath, mode: mode)
        }
        try check(archive_write_finish_entry(handle), "write \(treePath)")
    }

    /// Writes the trailer, flushes and closes. Consuming: a finished archive takes nothing more.
    package consuming func finish() throws(ArchiveError) { try check(archive_write_close(handle), "finish") }

    private borrowing func setFilter(_ compression: Compression) throws(ArchiveError) {
        switch compression {
        case .none: try check(archive_write_add_filter_none(handle), "set the compression")
        case .gzip(let level):
            try check(archive_write_add_filter_gzip(handle), "set the compression")
            try setOption("gzip", "compression-level", String(level))
            try check(archive_write_set_filter_option(handle, "gzip", "timestamp", nil), "leave out the time stamp")
        case .zstd(let level):
            try check(archive_write_add_filter_zstd(handle), "set the compression")
            try setOption("zstd", "compression-level", String(level))
            try setOption("zstd", "threads", String(Self.threads))
        }
    }

    private borrowing func setOption(_ module: String, _ name: String, _ value: String) throws(ArchiveError) {
        try check(archive_write_set_filter_option(handle, module, name, value), "set \(name) to \(value)")
    }

    private borrowing func writeHeader(
        _ treePath: TreePath,
        _ mode: UInt16,
        size: Int64 = 0,
        links: UInt32 = 1,
        target: String? = nil,
        device: (major: UInt32, minor: UInt32)? = nil
    ) throws(ArchiveError) {
        guard let entry = archive_entry_new() else { throw failure("write \(treePath)", "out of memory") }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, treePath.text)
        archive_entry_set_mode(entry, mode_t(mode))
        archive_entry_set_size(entry, size)
        archive_entry_set_nlink(entry, links)
        archive_entry_set_ino64(entry, inode)
        archive_entry_set_dev(entry, 0)
        archive_entry_set_uid(entry, 0)
        archive_entry_set_gid(entry, 0)
        archive_entry_set_mtime(entry, time_t(epoch), 0)
        if let target { archive_entry_set_symlink(entry, target) }
        if let device {
            archive_entry_set_rdevmajor(entry, dev_t(device.major))
            archive_entry_set_rdevminor(entry, dev_t(device.minor))
        }
        try check(archive_write_header(handle, entry), "write \(treePath)")
    }

    private borrowing func copy(_ source: FilePath, to treePath: TreePath, mode: UInt16) throws(ArchiveError) {
        do {
            let file = try FileDescriptor.open(source, .readOnly, options: .closeOnExec)
            defer { try? file.close() }
            let size = try file.seek(offset: 0, from: .end)
            try file.seek(offset: 0, from: .start)
            guard size <= Self.largestFile else { throw failure("write \(treePath)", "larger than newc's 4 GiB") }
            try writeHeader(treePath, 0o100000 | mode, size: size)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 16)
            defer { buffer.deallocate() }
            var left = size
            while left > 0 {
                let count = try file.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(left, Int64(Self.chunk)))))
                )
                guard count > 0 else { throw failure("read \(source)", "the file became shorter while it was read") }
                try writeContent(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)), "write \(treePath)")
                left -= Int64(count)
            }
        } catch let error as ArchiveError {
            throw error
        } catch let error as Errno {
            throw ArchiveError(operation: "read \(source)", path: path, detail: error.description, code: error.rawValue)
        } catch {
            throw failure("read \(source)", "\(error)")
        }
    }

}
