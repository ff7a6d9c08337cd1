import CArchive
package import SystemPackage

/// Writes one ISO 9660 image with Rock Ridge and, where a boot image is named, an El Torito entry for BIOS. Owns the
/// libarchive handle.
///
/// libarchive copies every content to a file in TMPDIR before it writes the image, and it knows neither EFI entries nor
/// partitions nor fixed dates. So this takes small trees only: a large file is written empty here, and whoever completes
/// the image appends its content and enters it in the directory (ImageBuilder's `ISOVolume`).
package struct ISOWriter: ~Copyable, ArchiveHandle {
    /// What the image says about itself.
    package struct Identity: Hashable, Sendable {
        /// At most 32 characters; `VolumeID` makes valid ones.
        package var volume: String
        /// At most 128 characters; libarchive writes its own version without one.
        package var application: String

        package init(volume: String, application: String) { (self.volume, self.application) = (volume, application) }
    }

    /// The BIOS entry of the boot catalogue: no emulation, four sectors loaded, with a boot information table.
    package struct BootEntry: Hashable, Sendable {
        /// A file of the tree.
        package var image: TreePath
        /// Where the catalogue appears in the tree.
        package var catalogue: TreePath

        package init(image: TreePath, catalogue: TreePath) { (self.image, self.catalogue) = (image, catalogue) }
    }

    /// All contents together, in bytes: they go through TMPDIR.
    package static let mostContent = 64 << 20

    let handle: OpaquePointer
    let path: String
    private let epoch: Int64
    private var content = 0

    private init(owning handle: OpaquePointer, path: String, epoch: Int64) {
        (self.handle, self.path, self.epoch) = (handle, path, epoch)
    }

    deinit { archive_write_free(handle) }

    /// Creates or truncates the file. `epoch` is the date of all files, in seconds since 1970.
    package static func create(
        at path: FilePath,
        identity: Identity,
        boot: BootEntry?,
        epoch: Int64
    ) throws(ArchiveError) -> ISOWriter {
        guard let handle = archive_write_new() else {
            throw ArchiveError(operation: "create", path: path.string, detail: "out of memory")
        }
        let writer = ISOWriter(owning: handle, path: path.string, epoch: epoch)
        try writer.check(archive_write_set_format_iso9660(handle), "set the format")
        try writer.setOptions(identity, boot)
        try writer.check(archive_write_set_bytes_in_last_block(handle, 1), "set the block size")
        try writer.check(archive_write_open_filename(handle, path.string), "create")
        return writer
    }

    /// Appends all of a tree. Devices are refused; modes become 0555 and 0444 (Rock Ridge "useful"), owner 0.
    package mutating func append(_ tree: FileTree) throws(ArchiveError) {
        for (treePath, node) in tree.sorted {
            switch node {
            case .directory: try writeHeader(treePath, 0o040755)
            case .symbolicLink(let target): try writeHeader(treePath, 0o120777, target: target)
            case .file(.bytes(let bytes), _): try append(bytes, at: treePath)
            case .file(.file(let source), _): try append(try read(source), at: treePath)
            case .characterDevice: throw failure("write \(treePath)", "a boot medium holds no devices")
            }
            try check(archive_write_finish_entry(handle), "write \(treePath)")
        }
    }

    /// Writes the image and closes it. Consuming: a finished image takes nothing more.
    package consuming func finish() throws(ArchiveError) { try check(archive_write_close(handle), "finish") }

    /// One by one and checked one by one: after an option that it does not know, libarchive leaves out the rest.
    private borrowing func setOptions(_ identity: Identity, _ boot: BootEntry?) throws(ArchiveError) {
        guard identity.volume.utf8.count <= 32 else {
            throw failure("set volume-id", "\(identity.volume) is longer than 32 characters")
        }
        var options: [(name: String, value: String?)] = [
            ("rockridge", "useful"), ("joliet", nil), ("iso-level", "3"), ("pad", nil),
            ("volume-id", identity.volume), ("application-id", identity.application),
        ]
        if let boot {
            options += [
                ("boot", boot.image.text), ("boot-catalog", boot.catalogue.text), ("boot-type", "no-emulation"),
                ("boot-load-size", "4"), ("boot-info-table", "1"),
            ]
        }
        for (name, value) in options {
            let code = archive_write_set_format_option(handle, "iso9660", name, value)
            try check(code, "set \(name) to \(value ?? "nothing")")
        }
    }

    private mutating func append(_ bytes: [UInt8], at treePath: TreePath) throws(ArchiveError) {
        content += bytes.count
        guard content <= Self.mostContent else {
            throw failure("write \(treePath)", "more than \(Self.mostContent >> 20) MiB of contents")
        }
        try writeHeader(treePath, 0o100644, size: Int64(bytes.count))
        try writeContent(bytes, "write \(treePath)")
    }

    private borrowing func writeHeader(
        _ treePath: TreePath,
        _ mode: UInt32,
        size: Int64 = 0,
        target: String? = nil
    ) throws(ArchiveError) {
        guard let entry = archive_entry_new() else { throw failure("write \(treePath)", "out of memory") }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, treePath.text)
        archive_entry_set_mode(entry, mode_t(mode))
        archive_entry_set_size(entry, size)
        archive_entry_set_nlink(entry, 1)
        archive_entry_set_uid(entry, 0)
        archive_entry_set_gid(entry, 0)
        archive_entry_set_mtime(entry, time_t(epoch), 0)
        archive_entry_set_atime(entry, time_t(epoch), 0)
        archive_entry_set_ctime(entry, time_t(epoch), 0)
        if let target { archive_entry_set_symlink(entry, target) }
        try check(archive_write_header(handle, entry), "write \(treePath)")
    }

    private borrowing func read(_ source: FilePath) throws(ArchiveError) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(source, .readOnly, options: .closeOnExec)
            defer { try? file.close() }
            let size = try file.seek(offset: 0, from: .end)
            guard size <= Int64(Self.mostContent) else {
                throw failure("read \(source)", "more than \(Self.mostContent >> 20) MiB of contents")
            }
            return try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
                while count < buffer.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    let read = try file.read(fromAbsoluteOffset: Int64(count), into: rest)
                    guard read > 0 else { throw Errno.ioError }
                    count += read
                }
            }
        } catch let error as ArchiveError {
            throw error
        } catch {
            let code = (error as? Errno)?.rawValue ?? 0
            throw ArchiveError(operation: "read \(source)", path: path, detail: "\(error)", code: code)
        }
    }
}
