import Foundation

/// Where the engine reads the time: milliseconds since 1970 UTC.
package struct WallClock: Sendable {
    package var now: @Sendable () -> Int64

    package init(now: @escaping @Sendable () -> Int64) { self.now = now }

    package static let system = WallClock { Int64(Date().timeIntervalSince1970 * 1000) }
}
