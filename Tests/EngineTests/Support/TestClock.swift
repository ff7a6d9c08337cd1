import Engine
import Synchronization

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let milliseconds: Mutex<Int64>

    /// `milliseconds` since 1970. Where TLS looks at certificates the clock must stand near the machine's.
    init(at milliseconds: Int64 = 1_800_000_000_000) { self.milliseconds = Mutex(milliseconds) }

    var wall: WallClock { WallClock { self.milliseconds.withLock(\.self) } }

    func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
}
