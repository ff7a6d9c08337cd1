/// The `heart-beat` header of CONNECT and CONNECTED: what the sender can do and what it wants (STOMP 1.2).
package struct HeartBeat: Hashable, Sendable {
    /// The least interval, in milliseconds, in which the sender of this header can send; 0: it sends none.
    package var canSend: Int
    /// The interval, in milliseconds, in which it wants to hear something; 0: it wants none.
    package var wants: Int

    /// VDSM raises every wish to at least this many milliseconds.
    package static let intervalMin = 1000
    /// The longest interval that is taken as written; a longer one is cut.
    package static let intervalMax = 3_600_000

    package init(canSend: Int, wants: Int) { (self.canSend, self.wants) = (canSend, wants) }

    /// Reads `cx,cy`; `nil` unless both are decimal numbers.
    package init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { part in part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil }
        guard parts.count == 2, values.count == 2 else { return nil }
        self.init(canSend: min(values[0], Self.intervalMax), wants: min(values[1], Self.intervalMax))
    }

    package static let none = HeartBeat(canSend: 0, wants: 0)

    /// The server's answer: it sends what the peer wants and wants what the peer can send, each at least a second.
    package var reply: HeartBeat {
        func raised(_ interval: Int) -> Int { interval == 0 ? 0 : max(interval, Self.intervalMin) }
        return HeartBeat(canSend: raised(wants), wants: raised(canSend))
    }

    /// The header's value.
    package var text: String { "\(canSend),\(wants)" }
}

/// Says when a connection owes its peer a heart-beat and when the peer is gone. Knows no clock: instants come in.
package struct HeartBeatTimers: Sendable {
    package enum Due: Hashable, Sendable {
        /// Send one line feed.
        case beat
        /// Nothing came for too long: close.
        case drop
        /// Nothing to do before this instant.
        case wait(until: ContinuousClock.Instant)
        /// No heart-beats were agreed.
        case never
    }

    /// A peer is gone after this many of its intervals without a byte (a beat may be late by scheduling and by TCP).
    package static let tolerance = 2.0

    private let sendInterval: Duration?
    private let receiveInterval: Duration?
    private var lastSent: ContinuousClock.Instant
    private var lastReceived: ContinuousClock.Instant

    /// `agreed` is our own side's view: `canSend` is what we send, `wants` what we expect.
    package init(agreed: HeartBeat, at now: ContinuousClock.Instant) {
        sendInterval = agreed.canSend == 0 ? nil : .milliseconds(agreed.canSend)
        receiveInterval = agreed.wants == 0 ? nil : .milliseconds(agreed.wants) * Self.tolerance
        (lastSent, lastReceived) = (now, now)
    }

    package mutating func sent(at now: ContinuousClock.Instant) { lastSent = now }
    package mutating func received(at now: ContinuousClock.Instant) { lastReceived = now }

    package func due(at now: ContinuousClock.Instant) -> Due {
        if let receiveInterval, now >= lastReceived + receiveInterval { return .drop }
        if let sendInterval, now >= lastSent + sendInterval { return .beat }
        let next = [sendInterval.map { lastSent + $0 }, receiveInterval.map { lastReceived + $0 }].compactMap(\.self)
        return next.min().map { .wait(until: $0) } ?? .never
    }
}
