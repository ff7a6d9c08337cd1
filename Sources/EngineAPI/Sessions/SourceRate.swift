import Synchronization

/// How often one source may call: a token bucket an address, with a bounded number of addresses.
final class SourceRate: Sendable {
    struct Limits: Sendable {
        /// Calls at once after a quiet time.
        var burst: Double
        /// Calls a second in the long run.
        var perSecond: Double
        /// Addresses remembered. When they are full of busy ones, all others share one bucket.
        var sources = 4096

        /// New claims: a rack that powers on at once behind one address passes, a flood does not.
        static let claims = Limits(burst: 60, perSecond: 2)
        /// Polls and openings of claims; each node polls every few seconds.
        static let polls = Limits(burst: 240, perSecond: 40)
        /// Wrong passwords.
        static let signInFailures = Limits(burst: 10, perSecond: 0.1)
    }

    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])
    private let limits: Limits
    private let now: @Sendable () -> ContinuousClock.Instant
    /// The bucket of those who find no place.
    private static let shared = "*"

    init(_ limits: Limits, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        (self.limits, self.now) = (limits, now)
    }

    /// Counts a call. `nil` when it may go on; otherwise how many seconds to wait.
    func take(_ source: String) -> Int? {
        change(source) { bucket in
            guard bucket.tokens >= 1 else { return waitSeconds(bucket) }
            bucket.tokens -= 1
            return nil
        }
    }

    /// How many seconds to wait until a call may go on, without counting one; `nil` for none.
    func wait(_ source: String) -> Int? {
        change(source) { $0.tokens >= 1 ? nil : waitSeconds($0) }
    }

    private func waitSeconds(_ bucket: Bucket) -> Int {
        Int(((1 - bucket.tokens) / limits.perSecond).rounded(.up))
    }

    private func change<Result: Sendable>(_ source: String, _ body: (inout Bucket) -> Result) -> Result {
        let instant = now()
        return buckets.withLock { buckets in
            if buckets[Self.network(source)] == nil, buckets.count >= limits.sources {
                buckets = buckets.filter { refilled($0.value, at: instant).tokens < limits.burst }
            }
            let isKnown = buckets[Self.network(source)] != nil
            let key = isKnown || buckets.count < limits.sources ? Self.network(source) : Self.shared
            var bucket = buckets[key].map { refilled($0, at: instant) } ?? Bucket(tokens: limits.burst, filled: instant)
            let result = body(&bucket)
            buckets[key] = bucket
            return result
        }
    }

    private func refilled(_ bucket: Bucket, at instant: ContinuousClock.Instant) -> Bucket {
        let seconds = bucket.filled.duration(to: instant) / .seconds(1)
        return Bucket(tokens: min(limits.burst, bucket.tokens + seconds * limits.perSecond), filled: instant)
    }

    /// An IPv6 source is its /64: one machine has all of it.
    private static func network(_ source: String) -> String {
        let groups = source.split(separator: ":", omittingEmptySubsequences: false)
        return groups.count > 3 && !source.contains(".") ? groups.prefix(4).joined(separator: ":") : source
    }
}
