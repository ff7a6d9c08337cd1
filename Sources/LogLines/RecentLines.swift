import Synchronization

/// The newest lines of a log, for a support bundle. Bounded in lines and, since each line is, in bytes.
package final class RecentLines: Sendable {
    private struct Ring {
        var lines: [String] = []
        /// Where the oldest line stands once the ring is full.
        var next = 0
    }

    private let ring = Mutex(Ring())
    private let linesMax: Int

    package init(linesMax: Int = 2000) { self.linesMax = linesMax }

    package func add(_ line: String) {
        ring.withLock { ring in
            if ring.lines.count < linesMax {
                ring.lines.append(line)
            } else {
                ring.lines[ring.next] = line
                ring.next = (ring.next + 1) % linesMax
            }
        }
    }

    /// The oldest first.
    package var lines: [String] { ring.withLock { Array($0.lines[$0.next...] + $0.lines[..<$0.next]) } }
}
