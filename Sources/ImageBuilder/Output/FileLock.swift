import Glibc
import SystemPackage

/// Holds a file by flock(2), for one writer or many readers. The kernel lets go when the process ends, however it ends, so
/// there is no stale lock.
final class FileLock: Sendable {
    enum Kind: Sendable {
        case shared
        case exclusive
    }

    /// How long a build waits for another one.
    static let patience: Duration = .seconds(3600)
    private static let pause: Duration = .milliseconds(100)

    private let descriptor: FileDescriptor

    private init(owning descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Takes the lock, waiting for another build up to `patience`; `onWait` is called once if it has to wait.
    static func take(_ file: FilePath, _ kind: Kind = .exclusive, onWait: () -> Void = {}) async throws -> FileLock {
        try await take(file, onWait: onWait) { try attempt(file, kind) }
    }

    /// The same, in the way that `attempt` tries to take it.
    static func take(
        _ file: FilePath,
        onWait: () -> Void,
        by attempt: () throws -> FileLock?
    ) async throws -> FileLock {
        let deadline = ContinuousClock.now + patience
        var waited = false
        while true {
            if let lock = try attempt() { return lock }
            if !waited { onWait() }
            waited = true
            guard ContinuousClock.now < deadline else {
                throw BuildError(
                    .busy,
                    "another build has held \(file) for \(patience.components.seconds / 60) minutes",
                    remedy: "wait for it or stop it, and build again"
                )
            }
            try await Task.sleep(for: pause)
        }
    }

    /// Takes the lock if nobody else has it.
    static func attempt(_ file: FilePath, _ kind: Kind = .exclusive) throws -> FileLock? {
        let options: FileDescriptor.OpenOptions = [.create, .closeOnExec]
        let permissions: FilePermissions = [.ownerReadWrite]
        let opened = try FileDescriptor.open(file, .readWrite, options: options, permissions: permissions)
        let lock = FileLock(owning: opened)
        let operation = kind == .shared ? LOCK_SH : LOCK_EX
        while flock(opened.rawValue, operation | LOCK_NB) != 0 {
            guard errno != EWOULDBLOCK else { return nil }
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
        // The one who had it may have removed the file while this one waited at the door.
        return try lock.stillStands(at: file) ? lock : nil
    }

    /// Lets others read too, without letting go in between. Whoever waits to write waits on.
    func share() throws {
        guard flock(descriptor.rawValue, LOCK_SH) == 0 else { throw Errno(rawValue: errno) }
    }

    private func stillStands(at file: FilePath) throws -> Bool {
        var (mine, there) = (stat(), stat())
        guard fstat(descriptor.rawValue, &mine) == 0 else { throw Errno(rawValue: errno) }
        return stat(file.string, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev
    }
}
