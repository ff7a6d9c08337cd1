import Glibc

/// Holds the data directory for one process: two engines on one database would both believe that they are alone. The
/// kernel lets go of the lock when the process ends, however it ends.
final class InstallationLock: Sendable {
    private let descriptor: CInt

    init(directory: String) throws(EngineError) {
        let path = "\(directory)/engine.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DurableFile.failure("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw EngineError(
                .conflict,
                "Another muster-engine uses \(directory).",
                remedy: "Stop it first, or give this one a directory of its own."
            )
        }
    }

    deinit { close(descriptor) }
}
