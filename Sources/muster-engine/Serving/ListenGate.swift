import Synchronization

/// Holds the engine's own work back until every listener is open, so that an engine that cannot serve changes nothing.
final class ListenGate: Sendable {
    private let left: Mutex<Int>
    private let stream: AsyncStream<Void>
    private let opening: AsyncStream<Void>.Continuation

    init(listeners: Int) {
        left = Mutex(listeners)
        (stream, opening) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    /// A listener is open.
    func arrived() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { opening.finish() }
    }

    /// Returns when all listeners are open, or when cancelled. For one waiter.
    func wait() async {
        for await _ in stream {}
    }
}
