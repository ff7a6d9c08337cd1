import Glibc
import Synchronization

/// The journal's file, `leases.journal` in a directory that one process holds. Every call may block on the disk.
final class LeaseJournal: Sendable {
    private let directory: CInt
    private let path: String
    /// The open file; -1 before the first `replace`. One thread at a time uses it; the lock makes that certain.
    private let file = Mutex<CInt>(-1)

    static let name = "leases.journal"
    private static let temporaryName = "leases.journal.new"
    /// The most that is read back: a journal is rewritten long before it grows to this.
    private static let bytesMax = 256 << 20

    private init(directory: CInt, path: String) { (self.directory, self.path) = (directory, path) }

    deinit {
        let descriptor = file.withLock { $0 }
        if descriptor >= 0 { close(descriptor) }
        close(directory)
    }

    /// Makes the directory when it is missing, and holds it: a second process is refused.
    static func open(directory path: String) throws(LeaseStoreError) -> LeaseJournal {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw LeaseStoreError(path, "make the directory") }
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LeaseStoreError(path, "open the directory") }
        let journal = LeaseJournal(directory: descriptor, path: path)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw LeaseStoreError(
                path,
                "lock it",
                remedy: "stop the muster-boot that uses it, or give another directory"
            )
        }
        return journal
    }

    /// The journal as it lies on the disk; empty when there is none.
    func contents() throws(LeaseStoreError) -> [UInt8] {
        let descriptor = openat(directory, Self.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return [] }
            throw LeaseStoreError(path, "open \(Self.name)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < Self.bytesMax {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LeaseStoreError(path, "read \(Self.name)") }
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }

    /// Puts a new journal in the old one's place: after a crash there is the one or the other, whole.
    func replace(with bytes: [UInt8]) throws(LeaseStoreError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = openat(directory, Self.temporaryName, flags, 0o600)
        guard descriptor >= 0 else { throw LeaseStoreError(path, "make \(Self.temporaryName)") }
        do throws(LeaseStoreError) {
            try write(bytes, to: descriptor)
            guard renameat(directory, Self.temporaryName, directory, Self.name) == 0, fsync(directory) == 0 else {
                throw LeaseStoreError(path, "put the new \(Self.name) in place")
            }
        } catch {
            close(descriptor)
            throw error
        }
        let old = file.withLock { file in
            defer { file = descriptor }
            return file
        }
        if old >= 0 { close(old) }
    }

    /// Adds whole lines and waits until the disk has them. After an error the file may end in half a line: `replace` it.
    func append(_ bytes: [UInt8]) throws(LeaseStoreError) {
        try write(bytes, to: file.withLock { $0 })
    }

    private func write(_ bytes: [UInt8], to descriptor: CInt) throws(LeaseStoreError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw LeaseStoreError(path, "write \(Self.name)") }
            rest = rest.dropFirst(count)
        }
        guard fdatasync(descriptor) == 0 else { throw LeaseStoreError(path, "sync \(Self.name)") }
    }
}

/// Why leases cannot be kept.
package struct LeaseStoreError: Error, Hashable, CustomStringConvertible {
    package let description: String

    /// Reads `errno`.
    init(_ directory: String, _ operation: String, remedy: String = "give a writable directory with free space") {
        let cause = String(cString: strerror(errno))
        description = "\(directory): could not \(operation): \(cause); \(remedy)"
    }

    /// The threads that write have been stopped.
    init(stopping cause: String) { description = "leases are not written any more: \(cause)" }
}
