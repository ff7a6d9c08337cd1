import FoundationEssentials
import Glibc

/// A directory of a boot server's own files. Every call may block on the disk.
///
/// A file is whole or not there: written beside its place, flushed, and renamed into it. A kill at any moment leaves the
/// former one.
struct CacheDirectory: Sendable {
    let path: String

    /// Why a file could not be read or written.
    struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        var operation: String
        var code: CInt

        var description: String {
            let remedy =
                switch code {
                case ENOSPC, EDQUOT: "; free some space there, or give a smaller --cache-size"
                case EACCES, EPERM, EROFS: "; make it writable for this user, or name another with --state-directory"
                default: ""
                }
            return "could not \(operation): \(String(cString: strerror(code)))\(remedy)"
        }

        var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
    }

    /// Of files on their way: no name that a caller gives begins with a dot.
    private static let temporaryPrefix = ".new-"

    init(_ path: String) { self.path = path }

    /// Makes it, readable by nobody else, and takes away what a kill left half-written there. Called at the start only: later
    /// that may be what another task is writing.
    func make() throws(Failure) {
        try makeIfMissing()
        dropLeftovers()
    }

    func makeIfMissing() throws(Failure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure("make the directory \(path)") }
    }

    /// `nil` when there is no such file, when it is longer than `bytesMax`, or when it cannot be read.
    func read(_ name: String, bytesMax: Int) -> [UInt8]? {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= 0, size <= bytesMax else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: done), size - done, off_t(done))
            }
            guard count > 0 else { return nil }
            done += count
        }
        return bytes
    }

    func write(_ bytes: [UInt8], as name: String, mode: mode_t = 0o600) throws(Failure) {
        // A name of its own: two that write the same file at once must not write into each other's.
        let mark = String(UInt64.random(in: .min ... .max), radix: 16)
        let (place, temporary) = ("\(path)/\(name)", "\(path)/\(Self.temporaryPrefix)\(mark)")
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw Self.failure("create \(temporary)") }
        do throws(Failure) {
            try Self.writeAll(bytes, to: descriptor, at: 0, path: temporary)
            guard fdatasync(descriptor) == 0 else { throw Self.failure("flush \(temporary)") }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        guard rename(temporary, place) == 0 else {
            let failure = Self.failure("put \(place) in its place")
            unlink(temporary)
            throw failure
        }
        try flush()
    }

    /// A rename outlives a loss of power only when its directory is on the disk.
    private func flush() throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open the directory \(path)") }
        defer { close(descriptor) }
        // EINVAL: a file system that cannot do it.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.failure("flush the directory \(path)") }
    }

    /// A sealed value; one that is damaged is taken away.
    func value<Value: Decodable>(_ type: Value.Type, in name: String, bytesMax: Int) -> Value? {
        guard let bytes = read(name, bytesMax: bytesMax) else { return nil }
        guard let payload = SealedFile.decode(bytes), let value = try? JSONDecoder().decode(type, from: Data(payload))
        else {
            remove(name)
            return nil
        }
        return value
    }

    func write(value: some Encodable, as name: String) throws(Failure) {
        guard let payload = try? JSONEncoder().encode(value) else {
            throw Failure(operation: "write \(name) as JSON", code: EINVAL)
        }
        try write(SealedFile.encode(Array(payload)), as: name)
    }

    func remove(_ name: String) { unlink("\(path)/\(name)") }

    /// The files, without those that are being written, in order.
    func names() -> [String] { entries().filter { !$0.hasPrefix(".") }.sorted() }

    /// Takes away what a kill left half-written; nobody may be writing.
    func dropLeftovers() {
        for name in entries() where name.hasPrefix(Self.temporaryPrefix) { remove(name) }
    }

    private func entries() -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return names
    }

    /// Bytes of a file, and when it was written, in seconds since 1970; `nil` where there is none.
    func facts(_ name: String) -> (size: Int64, written: Int64)? {
        var status = stat()
        guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
        return (Int64(status.st_size), Int64(status.st_mtim.tv_sec))
    }

    /// Takes every file in it away.
    func empty() { for name in names() { remove(name) } }

    static func writeAll(_ bytes: [UInt8], to descriptor: CInt, at offset: Int64, path: String) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(
                    descriptor,
                    $0.baseAddress?.advanced(by: written),
                    $0.count - written,
                    off_t(offset) + off_t(written)
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write \(path)") }
            written += count
        }
    }

    static func failure(_ operation: String) -> Failure { Failure(operation: operation, code: errno) }
}
