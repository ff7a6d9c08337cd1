import Glibc

/// Holds the data directory for one process: two engines on one database would both believe that they are alone. The
/// kernel lets go of the lock when the process ends, however it ends.
final class InstallationLock: Sendable {
    private let descriptors: [CInt]

    /// Locks the file `engine.lock`, which earlier versions look at, and the directory itself: a lock file can be removed by
    /// somebody who means well, and the same directory may be reached by another path.
    init(directory: String) throws(EngineError) {
        let file = try Self.lock("\(directory)/engine.lock", O_RDWR | O_CREAT | O_NOFOLLOW, of: directory)
        do {
            descriptors = [file, try Self.lock(directory, O_RDONLY | O_DIRECTORY, of: directory)]
        } catch {
            close(file)
            throw error
        }
    }

    private static func lock(_ path: String, _ flags: CInt, of directory: String) throws(EngineError) -> CInt {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DurableFile.failure("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw EngineError(
                .conflict,
                "Another muster-engine uses \(directory).",
                remedy: "Stop it first, or give this one a directory of its own."
            )
        }
        return descriptor
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
