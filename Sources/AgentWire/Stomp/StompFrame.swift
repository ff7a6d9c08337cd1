package import NIOCore

/// The first line of a STOMP frame. A command that this version does not know survives.
package struct StompCommand: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    package static let connect = StompCommand(rawValue: "CONNECT")
    /// STOMP 1.2's second name of CONNECT.
    package static let stomp = StompCommand(rawValue: "STOMP")
    package static let connected = StompCommand(rawValue: "CONNECTED")
    package static let send = StompCommand(rawValue: "SEND")
    package static let subscribe = StompCommand(rawValue: "SUBSCRIBE")
    package static let unsubscribe = StompCommand(rawValue: "UNSUBSCRIBE")
    package static let message = StompCommand(rawValue: "MESSAGE")
    package static let error = StompCommand(rawValue: "ERROR")
    package static let receipt = StompCommand(rawValue: "RECEIPT")
    package static let disconnect = StompCommand(rawValue: "DISCONNECT")

    /// The commands a frame of a known peer may start with; what the port's protocol detector compares.
    package static let known: [StompCommand] = [
        .connect, .stomp, .connected, .send, .subscribe, .unsubscribe, .message, .error, .receipt, .disconnect,
    ]

    /// CONNECT and CONNECTED do not escape their headers, for the sake of STOMP 1.0 (STOMP 1.2, "Value Encoding").
    var escapesHeaders: Bool { self != .connect && self != .connected }
}

/// One header line of a frame, unescaped.
package struct StompHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// One STOMP 1.2 frame.
package struct StompFrame: Hashable, Sendable {
    package var command: StompCommand
    /// In wire order. Of headers with the same name the first one counts.
    package var headers: [StompHeader]
    package var body: ByteBuffer

    package init(_ command: StompCommand, _ headers: [StompHeader] = [], body: ByteBuffer = ByteBuffer()) {
        (self.command, self.headers, self.body) = (command, headers, body)
    }

    /// The value of the first header with this name.
    package subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// An ERROR frame: the sentence goes in the `message` header and, as VDSM does, in the body.
    package static func error(_ sentence: String) -> StompFrame {
        StompFrame(
            .error,
            [StompHeader("message", sentence), StompHeader("content-type", "text/plain")],
            body: ByteBuffer(string: sentence)
        )
    }
}
