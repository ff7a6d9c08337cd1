import Crypto
import Foundation
import HostModel
import Synchronization

/// How long the tokens of an installation are good, and how many there are.
package struct KickstartLimits: Sendable {
    /// From the boot script to the fetch of the kickstart: the time in which an installer starts.
    package var ticketSeconds: Int64 = 15 * 60
    /// From the fetch to the report: the longest installation.
    package var reportSeconds: Int64 = 6 * 3600
    /// Unspent tickets of one host; the oldest gives way, so that nobody who asks for scripts can spend the ticket of an
    /// installer that is starting.
    package var openTicketsPerHost = 4
    package var ticketsPerHostBurst = 10
    package var ticketsPerHostPerMinute = 4
    /// How long the digest of a token is kept, so that a second use is told from a guess.
    package var keptSeconds: Int64 = 7 * 24 * 3600

    package init() {}
}

extension EventCode {
    package static let kickstartIssued = EventCode(rawValue: 20_050)
    package static let kickstartFetched = EventCode(rawValue: 20_051)
    /// A token that is spent, too old, or nobody's.
    package static let kickstartRefused = EventCode(rawValue: 20_052)
    package static let systemInstalled = EventCode(rawValue: 20_053)
    package static let systemInstallFailed = EventCode(rawValue: 20_054)
    package static let kickstartSettingsSaved = EventCode(rawValue: 20_055)
}

/// The SHA-256 of the agent's file, taken again only when the file is another one.
final class AgentDigest: Sendable {
    private struct Known {
        var path: String
        var size: UInt64
        var changed: Date
        var digest: Nonce
    }

    private let known = Mutex<Known?>(nil)

    /// Bytes that are read at once.
    private static let chunk = 1 << 20

    /// Refuses where there is no such file, and says what to do.
    func digest(of path: String) throws(EngineError) -> Nonce {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let size = attributes[.size] as? UInt64 ?? 0
            let changed = attributes[.modificationDate] as? Date ?? .distantPast
            if let known = known.withLock(\.self), known.path == path, known.size == size, known.changed == changed {
                return known.digest
            }
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            var hash = SHA256()
            while let bytes = try file.read(upToCount: Self.chunk), !bytes.isEmpty { hash.update(data: bytes) }
            guard let digest = Nonce(bytes: Array(hash.finalize())) else { preconditionFailure("SHA-256 has 32 bytes") }
            known.withLock { $0 = Known(path: path, size: size, changed: changed, digest: digest) }
            return digest
        } catch {
            throw EngineError(
                .failed,
                "The agent for installed hosts cannot be read at \(path).",
                remedy: "Install it there, or build it with `make agent`."
            )
        }
    }
}

/// What is stored of a token.
func tokenDigest(_ token: Nonce) -> Nonce {
    guard let digest = Nonce(bytes: Array(SHA256.hash(data: token.bytes))) else {
        preconditionFailure("SHA-256 has 32 bytes")
    }
    return digest
}
