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

    /// Waited for in vain.
    struct Taken: Error, CustomStringConvertible {
        let seconds: Int

        var description: String { "another program has held the lock of the network for \(seconds) s" }
    }

    private static let pause = Duration.seconds(1)

    /// Waits until the other one is done; `onWait` is called once, when there is another one.
    static func await(in directory: NodeDirectory, seconds: Int, onWait: () -> Void) async throws -> NetworkLock {
        if let lock = try take(in: directory) { return lock }
        onWait()
        for _ in 0..<seconds {
            try await Task.sleep(for: pause)
            if let lock = try take(in: directory) { return lock }
        }
        throw Taken(seconds: seconds)
    }
}
