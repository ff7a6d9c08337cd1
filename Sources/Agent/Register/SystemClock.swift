import Glibc

/// The node's wall clock, as far as enrolment needs it.
package struct SystemClock: Sendable {
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64
    /// Sets the clock; the reason when the system refused.
    package var set: @Sendable (Int64) -> String?

    package init(now: @escaping @Sendable () -> Int64, set: @escaping @Sendable (Int64) -> String?) {
        (self.now, self.set) = (now, set)
    }

    /// CLOCK_REALTIME; setting it needs CAP_SYS_TIME.
    package static let system = SystemClock(
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec)
        },
        set: { seconds in
            var time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
            return clock_settime(CLOCK_REALTIME, &time) == 0 ? nil : String(cString: strerror(errno))
        }
    )
}
