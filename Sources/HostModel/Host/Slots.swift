import Synchronization

/// A fixed number of places, so that callers can not make us hold more than we can.
package final class Slots: Sendable {
    private let free: Mutex<Int>

    package init(_ count: Int) { free = Mutex(count) }

    /// `false` when none is free.
    package func take() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    package func give() { free.withLock { $0 += 1 } }
}
