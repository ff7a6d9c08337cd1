import Crypto
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// The text of a file of at most `limit` bytes.
func readText(_ file: FilePath, limit: Int) throws -> String {
    let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
    defer { try? descriptor.close() }
    let size = try descriptor.seek(offset: 0, from: .end)
    guard size <= Int64(limit) else { throw Errno.fileTooLarge }
    try descriptor.seek(offset: 0, from: .start)
    return try String(unsafeUninitializedCapacity: Int(size)) { buffer in
        try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
}

/// The bytes of a file of at most `limit` bytes.
func readBytes(_ file: FilePath, limit: Int) throws -> [UInt8] {
    guard try fileSize(file) <= Int64(limit) else { throw Errno.fileTooLarge }
    var bytes: [UInt8] = []
    try forEachChunk(of: file) { chunk in
        guard bytes.count + chunk.count <= limit else { throw Errno.fileTooLarge }
        bytes.append(contentsOf: chunk)
    }
    return bytes
}

/// Writes a new file and waits until it is on the disk, so that a rename after it cannot outrun the content.
func writeFile(
    _ bytes: some Sequence<UInt8>,
    to file: FilePath,
    permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
) throws {
    let options: FileDescriptor.OpenOptions = [.create, .truncate, .closeOnExec]
    let descriptor = try FileDescriptor.open(file, .writeOnly, options: options, permissions: permissions)
    defer { try? descriptor.close() }
    try descriptor.writeAll(bytes)
    guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
}

/// A file's size and SHA-256.
func measure(_ file: FilePath) throws -> (size: Int64, sha256: Nonce) {
    var hash = SHA256()
    var size: Int64 = 0
    try forEachChunk(of: file) { chunk in
        hash.update(bufferPointer: chunk)
        size += Int64(chunk.count)
    }
    guard let digest = Nonce(bytes: Array(hash.finalize())) else { throw Errno.invalidArgument }
    return (size, digest)
}

extension FileDescriptor.SeekOrigin {
    /// SEEK_DATA and SEEK_HOLE of lseek(2), which the C library's module leaves out.
    static let data = FileDescriptor.SeekOrigin(rawValue: 3)
    static let hole = FileDescriptor.SeekOrigin(rawValue: 4)
}

/// Bytes.
func fileSize(_ file: FilePath) throws -> Int64 {
    var status = stat()
    guard stat(file.string, &status) == 0 else { throw Errno(rawValue: errno) }
    return Int64(status.st_size)
}

/// Writes the files one after the other into a new one.
func concatenate(_ sources: [FilePath], to file: FilePath) throws {
    let options: FileDescriptor.OpenOptions = [.create, .truncate, .closeOnExec]
    let permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    let output = try FileDescriptor.open(file, .writeOnly, options: options, permissions: permissions)
    defer { try? output.close() }
    for source in sources { try forEachChunk(of: source) { _ = try output.writeAll($0) } }
    guard fsync(output.rawValue) == 0 else { throw Errno(rawValue: errno) }
}

/// A mebibyte at a time.
func forEachChunk(of file: FilePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let input = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
    defer { try? input.close() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    while true {
        let count = try input.read(into: buffer)
        guard count > 0 else { return }
        try body(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
    }
}

/// The names in a directory, sorted by bytes; empty when it is missing.
func names(in directory: FilePath) throws -> [String] {
    guard FileManager.default.fileExists(atPath: directory.string) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: directory.string)
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

func makeDirectory(_ directory: FilePath) throws {
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
}

func exists(_ file: FilePath) -> Bool { FileManager.default.fileExists(atPath: file.string) }

/// Removes a file or a tree; what is not there is no error.
func remove(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }

/// rename(2): whole or not at all, within one file system.
func rename(_ source: FilePath, to target: FilePath) throws {
    guard Glibc.rename(source.string, target.string) == 0 else { throw Errno(rawValue: errno) }
}

/// Waits until a file or directory is on the disk.
func flush(_ path: FilePath) throws {
    let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    defer { try? descriptor.close() }
    guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
}

/// Which file system a path is on.
func fileSystem(of path: FilePath) throws -> dev_t {
    var status = stat()
    guard stat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    return status.st_dev
}

/// Bytes that a user may still write on the file system of `path`.
func freeSpace(at path: FilePath) throws -> Int64 {
    var information = statvfs()
    guard statvfs(path.string, &information) == 0 else { throw Errno(rawValue: errno) }
    return Int64(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
}
