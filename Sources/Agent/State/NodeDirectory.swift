import FoundationEssentials
import Glibc
package import SystemPackage

/// A directory of small files that several programs of the node read: its state, and what is true of this boot only.
///
/// A file is written beside itself, flushed and renamed, so that a reader, or the next boot after a power cut, sees the
/// old content or the new one and never a part.
package struct NodeDirectory: Sendable {
    package let path: FilePath

    /// The longest file read, in bytes.
    package static let fileBytesMax = 1 << 20

    package init(_ path: FilePath) { self.path = path }

    /// Makes the directory, with its parents; one that is there is left as it is.
    package func make(permissions: FilePermissions = [.ownerReadWriteExecute, .groupReadExecute]) throws(FileFailure) {
        var partial = FilePath(root: path.root)
        for component in path.components {
            partial.append(component)
            guard mkdir(partial.string, CModeT(permissions.rawValue)) != 0, errno != EEXIST else { continue }
            throw FileFailure(partial, "make the directory")
        }
    }

    package func file(_ name: String) -> FilePath { path.appending(name) }

    /// The content; `nil` when there is no such file.
    package func read(_ name: String) throws(FileFailure) -> [UInt8]? {
        try readFile(file(name), limit: Self.fileBytesMax)
    }

    /// The names of what is in it; none when it is not there.
    package func names() -> Set<String> {
        guard let handle = opendir(path.string) else { return [] }
        defer { closedir(handle) }
        var names: Set<String> = []
        while let entry = readdir(handle) {
            names.insert(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return names
    }

    /// Writes the whole file with these permissions; with `group` it belongs to that group.
    package func write(
        _ bytes: some Sequence<UInt8>,
        to name: String,
        permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead],
        group: UInt32? = nil
    ) throws(FileFailure) {
        let target = file(name)
        let beside = file(".\(name).\(getpid())")
        do throws(FileFailure) {
            let descriptor = try create(beside, permissions, group)
            defer { close(descriptor) }
            try fill(descriptor, with: Array(bytes), beside)
            guard rename(beside.string, target.string) == 0 else { throw FileFailure(target, "rename") }
            // FAT's new entry has neither length nor content until the file is flushed under its new name.
            guard fsync(descriptor) == 0 else { throw FileFailure(target, "flush") }
            try flushDirectory()
        } catch {
            unlink(beside.string)
            throw error
        }
    }

    /// Removes the file, so that it stays removed after a power cut; one that is not there is no error.
    package func remove(_ name: String) throws(FileFailure) {
        guard unlink(file(name).string) == 0 else {
            guard errno == ENOENT else { throw FileFailure(file(name), "remove") }
            return
        }
        try flushDirectory()
    }

    /// The value in a JSON file; `nil` when there is none or it cannot be read as one.
    package func value<Value: Decodable>(_ type: Value.Type, in name: String) -> Value? {
        guard let bytes = try? read(name) else { return nil }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }

    package func write(
        value: some Encodable,
        to name: String,
        permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead],
        group: UInt32? = nil
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(Array(try encoder.encode(value)) + [10], to: name, permissions: permissions, group: group)
    }

    /// An open, empty file that only the right ones can read.
    private func create(
        _ beside: FilePath,
        _ permissions: FilePermissions,
        _ group: UInt32?
    ) throws(FileFailure) -> Int32 {
        unlink(beside.string)
        let descriptor = open(
            beside.string,
            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
            CModeT(permissions.rawValue)
        )
        guard descriptor >= 0 else { throw FileFailure(beside, "create") }
        // Before the content, so that no moment has a key in it that the wrong group can read. File systems without
        // owners (vfat) refuse; what they were mounted with holds there.
        let isGiven = group.map { fchown(descriptor, uid_t.max, $0) == 0 || errno == EPERM } ?? true
        guard isGiven, fchmod(descriptor, CModeT(permissions.rawValue)) == 0 else {
            let failure = FileFailure(beside, isGiven ? "change the mode of" : "change the group of")
            close(descriptor)
            throw failure
        }
        return descriptor
    }

    private func fill(_ descriptor: Int32, with bytes: [UInt8], _ beside: FilePath) throws(FileFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw FileFailure(beside, "write") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw FileFailure(beside, "flush") }
    }

    private func flushDirectory() throws(FileFailure) {
        let descriptor = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path, "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure(path, "flush") }
    }
}

/// The content of a file, at most `limit` bytes of it; `nil` when there is none. For files under /proc and /sys too, whose
/// size is not known beforehand.
package func readFile(_ path: FilePath, limit: Int = 1 << 16) throws(FileFailure) -> [UInt8]? {
    let descriptor = uninterrupted { open(path.string, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw FileFailure(path, "open")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < limit {
        let room = min(chunk.count, limit - bytes.count)
        let count = uninterrupted { Glibc.read(descriptor, &chunk, room) }
        guard count >= 0 else { throw FileFailure(path, "read") }
        guard count > 0 else { break }
        bytes += chunk.prefix(count)
    }
    return bytes
}

/// Calls again what a signal interrupted, as file systems of FUSE and of some sandboxes allow.
private func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        guard result == -1, errno == EINTR else { return result }
    }
}

/// The first line of a file of /proc or /sys without white space around it; `nil` when it cannot be read or is empty.
package func readLine(of path: FilePath) -> String? {
    guard let bytes = try? readFile(path, limit: 4096) else { return nil }
    let line = bytes.prefix { $0 != 10 && $0 != 0 }
    let text = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return text.isEmpty ? nil : text
}

/// What a symbolic link says; `nil` for what is none.
package func linkTarget(of path: FilePath) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = buffer.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { readlink(path.string, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? 0
    }
    return length > 0 ? String(decoding: buffer.prefix(length), as: UTF8.self) : nil
}

/// A call to the file system that failed.
package struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: FilePath
    /// A verb: `write`, `rename`.
    package var operation: String
    package var code: Int32

    package init(_ path: FilePath, _ operation: String, code: Int32 = errno) {
        (self.path, self.operation, self.code) = (path, operation, code)
    }

    package var description: String { "could not \(operation) \(path): \(reason)" }

    private var reason: String { String(cString: strerror(code)) }
}
