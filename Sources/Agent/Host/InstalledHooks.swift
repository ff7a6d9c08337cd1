import AgentWire
import BlockDevices
import Crypto
import Glibc
import HostModel
import Synchronization
import SystemPackage

/// The programs that an administrator put among VDSM's hooks, by event. A file is read again only when it has changed.
final class InstalledHooks: Sendable {
    private struct Known: Sendable {
        var status: FileStatus
        var checksum: String
    }

    private let folder: FilePath
    private let known = Mutex<[FilePath: Known]>([:])

    /// Larger ones have no checksum.
    private static let fileBytesMax: Int64 = 16 << 20
    /// Read for one report: capabilities are asked for every few seconds. What is left gets its checksum by the next ones.
    private static let reportBytesMax: Int64 = 32 << 20
    private static let eventsMax = 200
    private static let scriptsMax = 100

    init(root: FilePath) { folder = root.appending("usr/libexec/vdsm/hooks") }

    /// Reads at most `reportBytesMax`, and never waits for a pipe or a device.
    var report: [String: [String: HostCapabilities.Hook]] {
        let before = known.withLock { $0 }
        var (now, left) = ([FilePath: Known](), Self.reportBytesMax)
        var report: [String: [String: HostCapabilities.Hook]] = [:]
        for event in NodeDirectory(folder).names().sorted().prefix(Self.eventsMax) where !event.hasPrefix(".") {
            let scripts = NodeDirectory(folder.appending(event))
            for name in scripts.names().sorted().prefix(Self.scriptsMax) where !name.hasPrefix(".") {
                let file = scripts.file(name)
                guard let status = FileStatus(file, followsLinks: true), status.isRegular,
                    access(file.string, X_OK) == 0
                else { continue }
                if let known = before[file], known.status == status {
                    now[file] = known
                } else if status.size <= min(left, Self.fileBytesMax) {
                    left -= status.size
                    now[file] = Self.checksum(file, status).map { Known(status: status, checksum: $0) }
                }
                report[event, default: [:]][name] = .init(checksum: now[file]?.checksum ?? "")
            }
        }
        known.withLock { $0 = now }
        return report
    }

    /// MD5, as VDSM has it; `nil` for a file that is not what it was any more.
    private static func checksum(_ file: FilePath, _ status: FileStatus) -> String? {
        // Not blocking: a pipe may have taken its place.
        let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking]
        guard let descriptor = try? FileDescriptor.open(file, .readOnly, options: options) else { return nil }
        defer { try? descriptor.close() }
        guard FileStatus(descriptor.rawValue) == status else { return nil }
        var (hash, left) = (Insecure.MD5(), Int(status.size))
        return withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
            while left > 0 {
                guard let count = try? descriptor.read(into: buffer), count > 0 else { return nil }
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<min(count, left)]))
                left -= count
            }
            return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
