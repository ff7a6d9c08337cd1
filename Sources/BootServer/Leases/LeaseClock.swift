import Glibc

/// The two clocks of leases: one that never jumps, for deciding, and the wall's, for the file that outlives the process.
package struct LeaseClock: Sendable {
    /// Since some moment in this process's life.
    package var now: @Sendable () -> Duration
    /// Seconds since 1970.
    package var wall: @Sendable () -> Int64

    package init(now: @escaping @Sendable () -> Duration, wall: @escaping @Sendable () -> Int64) {
        (self.now, self.wall) = (now, wall)
    }

    /// The machine's clocks.
    package static func system() -> LeaseClock {
        let start = ContinuousClock.now
        return LeaseClock(now: { ContinuousClock.now - start }, wall: { Int64(time(nil)) })
    }
}
