package import NIOCore

/// The client's side of one STOMP connection to an agent, without I/O.
package struct StompClientSession: Sendable {
    package enum Event: Hashable, Sendable {
        /// CONNECTED came. Heart-beats as agreed, seen from our side: `canSend` is what we owe, `wants` what we expect.
        case connected(HeartBeat)
        case message(destination: StompDestination, body: ByteBuffer)
        /// The agent refused a frame.
        case refused(String)
        case receipt(String)
    }

    /// Where this client asks for its replies.
    package let replyTo: StompDestination
    private let wanted: HeartBeat

    /// `replyTo` should be unique to the connection (a UUID), unless replies are shared on purpose.
    package init(replyTo: StompDestination = .responses, heartBeat: HeartBeat = HeartBeat(canSend: 0, wants: 15000)) {
        (self.replyTo, wanted) = (replyTo, heartBeat)
    }

    /// The frames to write first, in one go: CONNECT and the subscriptions to replies and events.
    package func opening() -> [StompFrame] {
        let connect = StompFrame(
            .connect,
            [StompHeader("accept-version", "1.2"), StompHeader("heart-beat", wanted.text)]
        )
        let subscriptions = [replyTo, .events].map { destination in
            StompFrame(
                .subscribe,
                [
                    StompHeader("destination", destination.rawValue), StompHeader("ack", "auto"),
                    StompHeader("id", "sub-" + destination.rawValue),
                ]
            )
        }
        return [connect] + subscriptions
    }

    /// The frame that carries one JSON-RPC request.
    package func send(_ body: ByteBuffer, correlation: String? = nil) -> StompFrame {
        let flow = correlation.map { [StompHeader("ovirtCorrelationId", $0)] } ?? []
        return StompFrame(
            .send,
            [
                StompHeader("destination", StompDestination.requests.rawValue),
                StompHeader("content-type", "application/json"), StompHeader("reply-to", replyTo.rawValue),
            ] + flow,
            body: body
        )
    }

    /// What a frame from the agent means; `nil` for one that means nothing to a client.
    package func receive(_ frame: StompFrame) -> Event? {
        switch frame.command {
        case .connected:
            // The server's header is its own view; ours is the mirror of it.
            let theirs = frame["heart-beat"].flatMap(HeartBeat.init) ?? .none
            return .connected(HeartBeat(canSend: theirs.wants, wants: theirs.canSend))
        case .message:
            return frame["destination"].map { .message(destination: StompDestination(rawValue: $0), body: frame.body) }
        case .error:
            return .refused(frame.body.readableBytes > 0 ? String(buffer: frame.body) : frame["message"] ?? "refused")
        case .receipt:
            return frame["receipt-id"].map(Event.receipt)
        default:
            return nil
        }
    }
}
