import Foundation
import Glibc
import HostModel

/// A file system of a few megabytes that a test may fill and take the writing from. Needs root, as `make test` has it.
final class SmallFileSystem: Sendable {
    let path = "/tmp/muster-small-\(getpid())-\(UniqueID.random())"
    private var filler: String { "\(path)/filler" }

    init(megabytes: Int) throws {
        guard mkdir(path, 0o755) == 0 else { throw Missing() }
        do {
            try Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path)
        } catch {
            rmdir(path)
            throw error
        }
    }

    deinit {
        try? Self.run("umount", "--lazy", path)
        rmdir(path)
    }

    /// Takes every byte that is left.
    func fill() throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw Missing() }
        defer { close(descriptor) }
        for piece in [65_536, 4096, 1] {
            let zeros = [UInt8](repeating: 0, count: piece)
            while write(descriptor, zeros, piece) == piece {}
        }
        guard errno == ENOSPC else { throw Missing() }
    }

    func makeRoom() throws { guard unlink(filler) == 0 else { throw Missing() } }

    func takeWriting() throws { try Self.run("mount", "-o", "remount,ro", path) }
    func giveWriting() throws { try Self.run("mount", "-o", "remount,rw", path) }

    private static func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Missing() }
    }
}
