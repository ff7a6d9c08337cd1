import Glibc
import Synchronization

/// The journal's file, `leases.journal` in a directory that one process holds. Every call may block on the disk.
final class LeaseJournal: Sendable {
    /// Open files; -1 for what is not open.
    private struct Files {
        var directory: CInt
        /// Opened by the first `replace`.
        var journal: CInt = -1
    }

    private let path: String
    /// One thread at a time uses them; the lock makes that certain.
    private let files: Mutex<Files>

    static let name = "leases.journal"
    private static let temporaryName = "leases.journal.new"
    /// The most that is read back: a journal is rewritten long before it grows to this.
    private static let bytesMax = 256 << 20

    private init(directory: CInt, path: String) {
        files = Mutex(Files(directory: directory))
        self.path = path
    }

    deinit { close() }

    /// Lets go of the directory, so that another may have it, and of the file. What is called afterwards fails. May be
    /// called twice.
    func close() {
        let open = files.withLock { files in
            defer { files = Files(directory: -1) }
            return files
        }
        if open.journal >= 0 { Glibc.close(open.journal) }
        guard open.directory >= 0 else { return }
        // Not left to close(2): the lock belongs to every copy of the descriptor, so a child between fork and exec would
        // hold it on.
        flock(open.directory, LOCK_UN)
        Glibc.close(open.directory)
    }

    private var directory: CInt { files.withLock(\.directory) }

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
                remedy: "stop the muster-boot that uses it, or give another directory",
                isTransient: errno == EWOULDBLOCK
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
        defer { Glibc.close(descriptor) }
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
            Glibc.close(descriptor)
            throw error
        }
        let old = files.withLock { files in
            defer { files.journal = descriptor }
            return files.journal
        }
        if old >= 0 { Glibc.close(old) }
    }

    /// Adds whole lines and waits until the disk has them. After an error the file may end in half a line: `replace` it.
    func append(_ bytes: [UInt8]) throws(LeaseStoreError) {
        try write(bytes, to: files.withLock(\.journal))
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
    /// True when it may pass by itself: the process before this one has not let go yet.
    package let isTransient: Bool

    /// Reads `errno`.
    init(
        _ directory: String,
        _ operation: String,
        remedy: String = "give a writable directory with free space",
        isTransient: Bool = false
    ) {
        let cause = String(cString: strerror(errno))
        description = "\(directory): could not \(operation): \(cause); \(remedy)"
        self.isTransient = isTransient
    }

    /// The store is closed, or the threads that write have been stopped.
    init(stopping cause: String) {
        (description, isTransient) = ("leases are not written any more: \(cause)", false)
    }
}
