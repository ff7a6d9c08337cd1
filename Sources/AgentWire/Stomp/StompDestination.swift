/// A dot-separated name of a queue or topic; a subscriber of `a.b` also receives what is sent to `a.b.c`.
package struct StompDestination: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// VDSM's request queue; with any `.suffix` too.
    package static let requests = StompDestination(rawValue: "jms.topic.vdsm_requests")
    /// VDSM's second request queue, of the image service.
    package static let imageRequests = StompDestination(rawValue: "jms.topic.vdsm_irs_requests")
    /// Where replies go when a request names no `reply-to`; the engine's shared queue.
    package static let responses = StompDestination(rawValue: "jms.topic.vdsm_responses")
    /// Where events go.
    package static let events = StompDestination(rawValue: "jms.queue.events")

    /// True for the queues whose messages the agent itself answers.
    package var isRequestQueue: Bool { Self.requests.covers(self) || Self.imageRequests.covers(self) }

    /// True when a subscriber of this destination receives what is sent to `other`.
    package func covers(_ other: StompDestination) -> Bool {
        self == other || other.rawValue.hasPrefix(rawValue + ".")
    }
}
