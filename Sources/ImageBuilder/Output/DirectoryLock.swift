import Glibc
import SystemPackage

/// Holds a directory for one build by flock(2) on a file in it. The kernel lets go when the process ends, however it
/// ends, so there is no stale lock.
struct DirectoryLock: ~Copyable {
    /// How long a build waits for another one.
    static let patience: Duration = .seconds(900)
    private static let pause: Duration = .milliseconds(200)

    private let descriptor: FileDescriptor

    private init(owning descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Takes the lock, waiting for another build up to `patience`; `onWait` is called once if it has to wait.
    static func take(_ directory: FilePath, onWait: () -> Void) async throws -> DirectoryLock {
        let permissions: FilePermissions = [.ownerReadWrite]
        let file = try FileDescriptor.open(
            directory.appending(".lock"),
            .readWrite,
            options: [.create, .closeOnExec],
            permissions: permissions
        )
        let lock = DirectoryLock(owning: file)
        let deadline = ContinuousClock.now + patience
        var waited = false
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw Errno(rawValue: errno) }
            if !waited { onWait() }
            waited = true
            guard ContinuousClock.now < deadline else {
                throw BuildError(
                    .busy,
                    "another build has held \(directory) for \(patience.components.seconds / 60) minutes",
                    remedy: "wait for it or stop it, and build again"
                )
            }
            try await Task.sleep(for: pause)
        }
        return lock
    }
}
