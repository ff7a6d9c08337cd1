import AgentWire
import Crypto
import Glibc
import HostModel
import SystemPackage

/// The programs that an administrator put among VDSM's hooks, by event.
struct InstalledHooks: Sendable {
    private let folder: FilePath

    private static let bytesMax = 1 << 20
    private static let eventsMax = 200
    private static let scriptsMax = 100

    init(root: FilePath) { folder = root.appending("usr/libexec/vdsm/hooks") }

    var report: [String: [String: HostCapabilities.Hook]] {
        var report: [String: [String: HostCapabilities.Hook]] = [:]
        for event in NodeDirectory(folder).names().sorted().prefix(Self.eventsMax) where !event.hasPrefix(".") {
            let scripts = NodeDirectory(folder.appending(event))
            for name in scripts.names().sorted().prefix(Self.scriptsMax) where !name.hasPrefix(".") {
                guard access(scripts.file(name).string, X_OK) == 0,
                    let bytes = try? readFile(scripts.file(name), limit: Self.bytesMax)
                else { continue }
                let digits = Insecure.MD5.hash(data: bytes).map { byte in
                    (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
                report[event, default: [:]][name] = .init(checksum: digits.joined())
            }
        }
        return report
    }
}
