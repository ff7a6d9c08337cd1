package import NIOCore

/// The server's side of one STOMP connection, without I/O: frames in, actions out.
///
/// Peers pipeline: SUBSCRIBE and SEND may come before CONNECT (ovirt.md 5.1), so nothing waits for CONNECTED.
package struct StompServerSession: Sendable {
    package enum Action: Hashable, Sendable {
        case send(StompFrame)
        /// Heart-beats as agreed, seen from our side.
        case agree(HeartBeat)
        /// A request for the agent itself.
        case request(StompRequest)
        /// A message for the explicit subscribers of a destination, on any connection; without one and without
        /// `isRequest` the peer gets `StompServerSession.unavailable`.
        case publish(StompRequest)
        case close
    }

    /// One connection's subscriptions; more are refused.
    package static let subscriptionsMax = 64
    /// The answer to a SEND that nobody receives.
    package static let unavailable = StompFrame.error("Subscription not available")

    private struct Subscription {
        var id: String
        var destination: StompDestination
    }

    private var subscriptions: [Subscription] = []

    package init() {}

    package mutating func receive(_ frame: StompFrame) -> [Action] {
        switch frame.command {
        case .connect, .stomp: connect(frame)
        case .subscribe: subscribe(frame)
        case .unsubscribe: unsubscribe(frame)
        case .send: accept(frame)
        case .disconnect: disconnect(frame)
        default: [.send(.error("Unknown command"))]
        }
    }

    /// The frames that carry a message to this connection's subscribers of the destination, parents included.
    package func messages(
        to destination: StompDestination,
        body: ByteBuffer,
        contentType: String = "application/json"
    ) -> [StompFrame] {
        subscriptions.filter { $0.destination.covers(destination) }.map { subscription in
            StompFrame(
                .message,
                [
                    StompHeader("destination", destination.rawValue),
                    StompHeader("content-type", contentType),
                    StompHeader("subscription", subscription.id),
                ],
                body: body
            )
        }
    }

    private func connect(_ frame: StompFrame) -> [Action] {
        guard frame["accept-version"] == "1.2" else { return [.send(.error("Version unsupported")), .close] }
        let agreed = frame["heart-beat"].flatMap(HeartBeat.init)?.reply ?? .none
        let connected = StompFrame(
            .connected,
            [StompHeader("version", "1.2"), StompHeader("heart-beat", agreed.text)]
        )
        return [.send(connected), .agree(agreed)]
    }

    private mutating func subscribe(_ frame: StompFrame) -> [Action] {
        guard let id = frame["id"], let destination = frame["destination"] else {
            return [.send(.error("Missing destination or subscription id header"))]
        }
        guard !subscriptions.contains(where: { $0.id == id }) else {
            return [.send(.error("Subscription id already exists"))]
        }
        guard subscriptions.count < Self.subscriptionsMax else { return [.send(.error("Too many subscriptions"))] }
        subscriptions.append(Subscription(id: id, destination: StompDestination(rawValue: destination)))
        return []
    }

    private mutating func unsubscribe(_ frame: StompFrame) -> [Action] {
        guard let id = frame["id"] else { return [.send(.error("Missing id header"))] }
        guard subscriptions.contains(where: { $0.id == id }) else {
            return [.send(.error("Unsubscribe failed: subscription not found"))]
        }
        subscriptions.removeAll { $0.id == id }
        return []
    }

    private func accept(_ frame: StompFrame) -> [Action] {
        guard let name = frame["destination"] else { return [.send(.error("Missing destination header"))] }
        let destination = StompDestination(rawValue: name)
        let request = StompRequest(
            destination: destination,
            replyTo: frame["reply-to"].map(StompDestination.init(rawValue:)) ?? .responses,
            correlation: frame["ovirtCorrelationId"],
            body: frame.body
        )
        return (destination.isRequestQueue ? [.request(request)] : []) + [.publish(request)]
    }

    private mutating func disconnect(_ frame: StompFrame) -> [Action] {
        subscriptions = []
        let receipt = frame["receipt"].map { StompFrame(.receipt, [StompHeader("receipt-id", $0)]) }
        return (receipt.map { [.send($0)] } ?? []) + [.close]
    }
}

/// What a SEND frame carries.
package struct StompRequest: Hashable, Sendable {
    package var destination: StompDestination
    package var replyTo: StompDestination
    /// The engine's flow id, for logs.
    package var correlation: String?
    package var body: ByteBuffer

    package init(
        destination: StompDestination = .requests,
        replyTo: StompDestination = .responses,
        correlation: String? = nil,
        body: ByteBuffer
    ) {
        (self.destination, self.replyTo, self.correlation, self.body) = (destination, replyTo, correlation, body)
    }
}
