import Synchronization

/// How many connections each peer address holds open, so that one machine cannot take all of them.
final class ConnectionQuota: Sendable {
    /// Connections of one address. A rack behind one address keeps one short connection a node.
    static let perSourceMax = 128

    private let open = Mutex<[String: Int]>([:])
    private let limit: Int

    init(perSource limit: Int = perSourceMax) { self.limit = limit }

    /// Counts a connection; false when the address has its share already, and then nothing is counted.
    func enter(_ source: String) -> Bool {
        open.withLock { open in
            guard open[source, default: 0] < limit else { return false }
            open[source, default: 0] += 1
            return true
        }
    }

    func leave(_ source: String) {
        open.withLock { open in
            guard let count = open[source] else { return }
            open[source] = count > 1 ? count - 1 : nil
        }
    }
}
