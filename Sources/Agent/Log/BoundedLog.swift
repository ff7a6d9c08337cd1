import BlockDevices
import Glibc
package import SystemPackage

/// A log file of bounded size that several processes append to: `FILE`, and before it `FILE.1`.
///
/// Each piece is written under a lock by a descriptor that was opened for it, so that after a rotation nobody goes on
/// writing to the file that was moved away, and nothing is kept that a full file system could break for good.
package struct BoundedLog: Sendable {
    package let file: FilePath
    /// Bytes after which the file is moved aside. Both files together hold at most twice this and one piece more.
    package let limit: Int

    package static let limitDefault = 1 << 20
    /// The longest piece that is written at once; a longer line is cut into several.
    package static let pieceMax = 16 << 10

    package init(_ file: FilePath, limit: Int = Self.limitDefault) { (self.file, self.limit) = (file, limit) }

    private var lockFile: FilePath { FilePath(file.string + ".lock") }
    private var older: FilePath { FilePath(file.string + ".1") }

    /// Appends whole lines. What cannot be written, on a full disk for example, is lost: a log must stop nobody's work.
    package func append(_ bytes: some Collection<UInt8>) {
        let lock = open(lockFile.string, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { return }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { return }
        rotate(before: bytes.count)
        let descriptor = open(file.string, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func rotate(before count: Int) {
        guard let status = FileStatus(file, followsLinks: true), Int(status.size) + count > limit else { return }
        rename(file.string, older.string)
    }

    /// Appends what comes from a descriptor, line by line, until its end.
    package func copy(from descriptor: Int32) {
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            pending += chunk.prefix(count)
            if let end = pending.lastIndex(of: 10) {
                append(pending[...end])
                pending.removeSubrange(...end)
            } else if pending.count >= Self.pieceMax {
                append(pending + [10])
                pending = []
            }
        }
        if !pending.isEmpty { append(pending + [10]) }
    }
}
