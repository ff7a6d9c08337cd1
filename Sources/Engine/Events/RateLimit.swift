import Synchronization

/// How often something may happen for each key: a bucket of tokens a key that fills at a steady rate. Holds at most
/// `keysMax` keys; when there are more, all full buckets are forgotten, and if none is full, newcomers are refused.
final class RateLimit: Sendable {
    private struct Bucket {
        var tokens: Double
        var time: Int64
    }

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    static let keysMax = 8192

    init(burst: Int, perMinute: Int) { (self.burst, perSecond) = (Double(burst), Double(perMinute) / 60) }

    init(burst: Int, perDay: Int) { (self.burst, perSecond) = (Double(burst), Double(perDay) / 86_400) }

    /// Takes a token; false when there is none. `now` is in milliseconds.
    func allows(_ key: String, at now: Int64) -> Bool {
        buckets.withLock { buckets in
            if buckets[key] == nil, buckets.count >= Self.keysMax {
                buckets = buckets.filter { filled($0.value, at: now) < burst }
                guard buckets.count < Self.keysMax else { return false }
            }
            let tokens = buckets[key].map { filled($0, at: now) } ?? burst
            buckets[key] = Bucket(tokens: tokens >= 1 ? tokens - 1 : tokens, time: now)
            return tokens >= 1
        }
    }

    private func filled(_ bucket: Bucket, at now: Int64) -> Double {
        min(burst, bucket.tokens + Double(max(0, now - bucket.time)) / 1000 * perSecond)
    }
}
