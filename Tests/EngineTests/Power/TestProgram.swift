import Foundation
import Glibc
import Synchronization

/// A program that plays a board: it is begun, says when it listens, and is ended by SIGKILL with all that it began, because
/// ipmi_sim does not end by SIGTERM.
final class TestProgram: Sendable {
    private let process: Int32
    /// ipmi_sim's console, which must not end while it runs.
    private let input = Pipe()
    private let said = Mutex(Data())

    /// Longer than any test; a program whose test was killed ends then.
    private static let secondsMax = "600"

    /// Comes back when the program has said `word`.
    init(_ words: [String], in folder: URL, until word: String) throws {
        let output = Pipe()
        process = try Self.start(words, in: folder.path, input, output)
        let reader = output.fileHandleForReading
        while said.withLock({ $0.firstRange(of: Data(word.utf8)) }) == nil {
            let more = reader.availableData
            guard !more.isEmpty else { throw Missing() }
            said.withLock { $0 += more }
        }
        // A program whose words nobody reads stops.
        Thread.detachNewThread { [weak self] in
            while case let more = reader.availableData, !more.isEmpty { self?.said.withLock { $0 += more } }
        }
    }

    deinit {
        kill(-process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// What it said until now.
    var words: String { String(decoding: said.withLock(\.self), as: UTF8.self) }

    private static func start(_ words: [String], in folder: String, _ input: Pipe, _ output: Pipe) throws -> Int32 {
        var (actions, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        for end in [input.fileHandleForReading, input.fileHandleForWriting, output.fileHandleForReading] {
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        let write = output.fileHandleForWriting.fileDescriptor
        _ = fcntl(write, F_SETFD, FD_CLOEXEC)
        posix_spawn_file_actions_adddup2(&actions, input.fileHandleForReading.fileDescriptor, 0)
        posix_spawn_file_actions_adddup2(&actions, write, 1)
        posix_spawn_file_actions_adddup2(&actions, write, 2)
        let line = ["env", "-C", folder, "timeout", "--foreground", "--signal=KILL", secondsMax] + words
        var argv: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        defer { for word in argv { free(word) } }
        var child: pid_t = 0
        guard posix_spawnp(&child, "env", &actions, &attributes, &argv, environ) == 0 else { throw Missing() }
        try output.fileHandleForWriting.close()
        return child
    }

    /// A port of loopback that was free a moment ago.
    static func freePort(_ kind: __socket_type) throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        (address.sin_family, address.sin_addr.s_addr) = (sa_family_t(AF_INET), UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(descriptor, pointer, length) == 0, getsockname(descriptor, pointer, &length) == 0 else {
                    throw Missing()
                }
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }
}
