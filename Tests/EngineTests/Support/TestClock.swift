import Engine
import Synchronization

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_800_000_000_000)

    var wall: WallClock { WallClock { self.milliseconds.withLock(\.self) } }

    func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
}
