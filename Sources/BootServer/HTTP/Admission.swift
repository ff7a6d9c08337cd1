import Synchronization

/// Counts what goes on at once and refuses more than a limit.
final class Admission<Key: Hashable & Sendable>: Sendable {
    private struct Counts {
        var total = 0
        var byKey: [Key: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let totalMax: Int
    private let perKeyMax: Int

    init(totalMax: Int, perKeyMax: Int = .max) { (self.totalMax, self.perKeyMax) = (totalMax, perKeyMax) }

    /// True when there is room; whoever got in must `leave` once.
    func enter(_ key: Key) -> Bool {
        counts.withLock { counts in
            let own = counts.byKey[key, default: 0]
            guard counts.total < totalMax, own < perKeyMax else { return false }
            counts.total += 1
            counts.byKey[key] = own + 1
            return true
        }
    }

    func leave(_ key: Key) {
        counts.withLock { counts in
            counts.total -= 1
            let own = counts.byKey[key, default: 1] - 1
            counts.byKey[key] = own > 0 ? own : nil
        }
    }

    /// How many are in.
    var count: Int { counts.withLock(\.total) }
}
