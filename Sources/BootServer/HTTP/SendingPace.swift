import NIOCore

/// When the next bytes of a connection may leave, so that it gets so many a second and no more. Knows no clock of its own.
struct SendingPace: Hashable, Sendable {
    /// What is sent at once is what the rate gives in this time.
    static let interval = TimeAmount.milliseconds(100)
    /// The slowest rate that can be set, bytes a second: a client below `BootHTTPLimits.bytesPerSecondMin` is cut off.
    static let bytesPerSecondMin = 64 << 10

    private let bytesPerSecond: Int
    private var next = NIODeadline.uptimeNanoseconds(0)

    init(bytesPerSecond: Int) { self.bytesPerSecond = max(1, bytesPerSecond) }

    /// The most bytes that are sent at once.
    var chunkBytes: Int { max(1, bytesPerSecond / 10) }

    /// `nil`: now.
    func wait(at now: NIODeadline) -> TimeAmount? { next > now ? next - now : nil }

    /// What was late by an interval or less is caught up; a longer silence is not saved up for.
    mutating func count(_ bytes: Int, at now: NIODeadline) {
        let earliest = now - Self.interval
        next = max(next, earliest) + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(bytesPerSecond))
    }
}
