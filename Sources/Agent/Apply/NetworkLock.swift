import Glibc
import SystemPackage

/// The right to change the host's network: `apply` has it during a change, and so has `muster-agent network apply`. Held
/// by an open file, so that it goes with a process that is killed.
struct NetworkLock: ~Copyable {
    private let descriptor: Int32

    private static let name = "network.lock"

    private init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// `nil` when another one has it.
    static func take(in directory: NodeDirectory) throws(FileFailure) -> NetworkLock? {
        let path = directory.file(name)
        let descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileFailure(path, "open") }
        // Of the open file, not of the process: two keepers of one process exclude each other too.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw FileFailure(path, "lock", code: code) }
            return nil
        }
        return NetworkLock(owning: descriptor)
    }
}
