import Foundation
import Glibc

/// A file that is there whole or not at all: written beside its place, flushed, and renamed into it.
enum DurableFile {
    /// `mode` holds from the first byte on: a key is never readable by others, not even for a moment. Where root writes, the
    /// file gets the owner of `directory` before it is in its place; `group` may read it by its mode.
    static func write(
        _ bytes: some Collection<UInt8>,
        to path: String,
        mode: mode_t,
        like directory: String? = nil,
        group: gid_t? = nil
    ) throws(EngineError) {
        let temporary = "\(path).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure("create \(temporary)") }
        do throws(EngineError) {
            if let directory { try give(descriptor, like: directory, path: temporary) }
            if let group, fchown(descriptor, uid_t.max, group) != 0 { throw failure("give \(temporary) to its group") }
            try writeAll(Array(bytes), to: descriptor, path: temporary)
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else {
            let failure = failure("put \(path) in its place")
            // It may hold a key.
            unlink(temporary)
            throw failure
        }
        try syncDirectory(of: path)
    }

    static func makeDirectory(_ path: String, mode: mode_t) throws(EngineError) {
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make the directory \(path)") }
    }

    /// Makes an empty file that only its owner reads, where there is none. SQLite gives its journals the same mode.
    static func makePrivate(_ path: String) throws(EngineError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        close(descriptor)
    }

    /// Makes a rename in the directory survive a power cut.
    static func syncDirectory(of path: String) throws(EngineError) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(parent.isEmpty ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the directory \(parent)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush the directory \(parent)") }
    }

    /// The refusal for a system call that just failed, with errno's own sentence.
    static func failure(_ operation: String) -> EngineError {
        let code = errno
        let remedy: String? =
            switch code {
            case ENOSPC, EDQUOT: "Free some space on the file system."
            case EROFS: "Mount the file system for writing."
            case EACCES, EPERM: "Run as root or as the engine's user."
            default: nil
            }
        return EngineError(
            .failed,
            "Could not \(operation): \(String(cString: strerror(code))).",
            remedy: remedy
        )
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: CInt, path: String) throws(EngineError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            guard count > 0 else { throw failure("write \(path)") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure("flush \(path)") }
    }

    private static func give(_ descriptor: CInt, like directory: String, path: String) throws(EngineError) {
        guard geteuid() == 0 else { return }
        guard let (user, group) = owner(of: directory), fchown(descriptor, user, group) == 0 else {
            throw failure("give \(path) to the owner of \(directory)")
        }
    }

    /// The engine's user owns its directory where it ran before; a fresh one is given to it when it starts.
    static func give(_ paths: [String], like directory: String) {
        guard geteuid() == 0, let (user, group) = owner(of: directory) else { return }
        for path in paths { lchown(path, user, group) }
    }

    private static func owner(of directory: String) -> (user: uid_t, group: gid_t)? {
        guard let owner = try? FileManager.default.attributesOfItem(atPath: directory),
            let user = (owner[.ownerAccountID] as? NSNumber)?.uint32Value,
            let group = (owner[.groupOwnerAccountID] as? NSNumber)?.uint32Value
        else { return nil }
        return (user, group)
    }
}
