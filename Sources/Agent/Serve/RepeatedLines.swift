import Logging
import Synchronization

/// How many log lines of each source may pass. Pure.
///
/// A source is an address that anybody may have, so there is a most number of those too: what goes beyond it shares one
/// allowance.
struct LineAllowance: Sendable {
    enum Verdict: Hashable, Sendable {
        /// Write it; `suppressed` lines of this source were left out before it.
        case pass(suppressed: Int)
        case suppress
    }

    static let linesPerWindow = 3
    static let windowSeconds = 60
    static let sourcesMax = 256

    private struct Entry {
        var windowStart: Int
        var lines = 0
        var suppressed = 0
    }

    private var entries: [String: Entry] = [:]

    /// `now` in seconds of a clock that only goes forward.
    mutating func take(_ source: String, at now: Int) -> Verdict {
        let key = entries[source] != nil || hasRoom(at: now) ? source : "others"
        var entry = entries[key] ?? Entry(windowStart: now)
        if now - entry.windowStart >= Self.windowSeconds { (entry.windowStart, entry.lines) = (now, 0) }
        defer { entries[key] = entry }
        guard entry.lines < Self.linesPerWindow else {
            entry.suppressed += 1
            return .suppress
        }
        entry.lines += 1
        defer { entry.suppressed = 0 }
        return .pass(suppressed: entry.suppressed)
    }

    /// Old entries make room, unless they have something left to say.
    private mutating func hasRoom(at now: Int) -> Bool {
        guard entries.count >= Self.sourcesMax else { return true }
        entries = entries.filter { now - $0.value.windowStart < Self.windowSeconds }
        return entries.count < Self.sourcesMax
    }
}

/// Log lines that anybody on the network can cause, a few a minute for each address, so that nobody fills the log.
final class RepeatedLines: Sendable {
    private let logger: Logger
    private let allowance = Mutex(LineAllowance())
    private let start = ContinuousClock.now

    init(_ logger: Logger) { self.logger = logger }

    func write(_ level: Logger.Level, _ message: @autoclosure () -> Logger.Message, peer: String, reason: String) {
        let now = Int(start.duration(to: .now).components.seconds)
        guard case .pass(let suppressed) = allowance.withLock({ $0.take(peer, at: now) }) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(reason)"]
        if suppressed > 0 { metadata["suppressed"] = "\(suppressed) such lines before this one" }
        logger.log(level: level, message(), metadata: metadata)
    }
}
