package import HostModel
package import NIOCore

/// What a DHCPv6 message is for (RFC 8415, section 7.3). Numbers we do not know survive.
package struct DHCPv6MessageType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let solicit = Self(rawValue: 1)
    package static let advertise = Self(rawValue: 2)
    package static let request = Self(rawValue: 3)
    package static let confirm = Self(rawValue: 4)
    package static let renew = Self(rawValue: 5)
    package static let rebind = Self(rawValue: 6)
    package static let reply = Self(rawValue: 7)
    package static let release = Self(rawValue: 8)
    package static let decline = Self(rawValue: 9)
    package static let informationRequest = Self(rawValue: 11)
    package static let relayForward = Self(rawValue: 12)
    package static let relayReply = Self(rawValue: 13)
}

extension DHCPv6MessageType: CustomStringConvertible {
    /// RFC 8415's name: `SOLICIT`.
    package var description: String {
        let names = [
            "SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY", "RELEASE", "DECLINE",
            "RECONFIGURE", "INFORMATION-REQUEST", "RELAY-FORW", "RELAY-REPL",
        ]
        return (1...13).contains(rawValue) ? names[Int(rawValue) - 1] : "message type \(rawValue)"
    }
}

/// A message between a client and a server (RFC 8415, section 8).
package struct DHCPv6Message: Hashable, Sendable {
    package var type: DHCPv6MessageType
    /// 24 bits.
    package var transactionID: UInt32
    /// In their order.
    package var options: [DHCPv6Option]

    package init(_ type: DHCPv6MessageType, transactionID: UInt32, options: [DHCPv6Option]) {
        (self.type, self.transactionID, self.options) = (type, transactionID & 0xFF_FFFF, options)
    }

    /// Reads one message without relays around it.
    package init(parsing bytes: some Collection<UInt8>) throws(DHCPv6WireError) {
        var rest = Array(bytes)[...]
        guard rest.count >= 4 else { throw .truncated }
        let type = DHCPv6MessageType(rawValue: UInt8(rest.number(1)))
        guard type != .relayForward, type != .relayReply else { throw .relayed }
        let transactionID = UInt32(rest.number(3))
        guard let options = DHCPv6Option.list(rest) else { throw .truncatedOption }
        self.init(type, transactionID: transactionID, options: options)
    }

    package var bytes: [UInt8] {
        [type.rawValue] + [UInt8].bigEndian(transactionID).dropFirst() + options.flatMap(\.wire)
    }

    /// The payload of the first option of this number.
    package subscript(code: DHCPv6OptionCode) -> [UInt8]? { options.first { $0.code == code }?.payload }
}

/// What a relay puts around a message (RFC 8415, section 9).
package struct DHCPv6Envelope: Hashable, Sendable {
    package var hops: UInt8
    /// An address of the link that the client is on; `::` where the relay is a switch (RFC 6221).
    package var link: IPv6Address
    /// Who sent what is inside.
    package var peer: IPv6Address
    /// Without the message inside.
    package var options: [DHCPv6Option]

    package init(hops: UInt8, link: IPv6Address, peer: IPv6Address, options: [DHCPv6Option]) {
        (self.hops, self.link, self.peer, self.options) = (hops, link, peer, options)
    }
}

/// A client's message as it reached a server, through any number of relays.
package struct DHCPv6Request: Hashable, Sendable {
    package var message: DHCPv6Message
    /// The one that the server got it from first; the client's own last.
    package var relays: [DHCPv6Envelope]

    /// The most relays (RFC 8415, section 7.6).
    package static let relaysMax = 8

    package init(_ message: DHCPv6Message, relays: [DHCPv6Envelope] = []) {
        (self.message, self.relays) = (message, relays)
    }

    /// Reads one datagram's payload. Never reads past it, whatever the lengths in it say.
    package init(parsing datagram: ByteBuffer) throws(DHCPv6WireError) {
        var bytes = Array(datagram.readableBytesView)
        var relays: [DHCPv6Envelope] = []
        while bytes.first == DHCPv6MessageType.relayForward.rawValue {
            guard relays.count < Self.relaysMax else { throw .tooManyRelays }
            let (envelope, inside) = try Self.open(bytes)
            relays.append(envelope)
            bytes = inside
        }
        self.init(try DHCPv6Message(parsing: bytes), relays: relays)
    }

    private static func open(_ bytes: [UInt8]) throws(DHCPv6WireError) -> (DHCPv6Envelope, [UInt8]) {
        guard bytes.count >= 34, let link = IPv6Address(octets: bytes[2..<18]),
            let peer = IPv6Address(octets: bytes[18..<34])
        else { throw .truncated }
        guard let options = DHCPv6Option.list(bytes[34...]) else { throw .truncatedOption }
        guard let inside = options.first(where: { $0.code == .relayMessage }) else { throw .emptyEnvelope }
        let others = options.filter { $0.code != .relayMessage }
        return (DHCPv6Envelope(hops: bytes[1], link: link, peer: peer, options: others), inside.payload)
    }

    /// Who asked the relay that a datagram comes from, read without reading the rest: for what must be decided before a
    /// datagram is worth reading. `nil` for others than relays' datagrams.
    package static func peer(peeking datagram: ByteBuffer) -> IPv6Address? {
        let index = datagram.readerIndex
        guard datagram.getInteger(at: index, as: UInt8.self) == DHCPv6MessageType.relayForward.rawValue else {
            return nil
        }
        return datagram.getBytes(at: index + 18, length: 16).flatMap { IPv6Address(octets: $0) }
    }

    /// True where the relay that the server got it from wants the answer at the port that it asks from (RFC 8357), and not at
    /// the one of servers.
    package var isAnsweredToSourcePort: Bool { relays.first?.options.contains { $0.code == .relaySourcePort } ?? false }

    /// An answer in the envelopes that bring it back (RFC 8415, section 19.3): each with what its relay knows it by.
    package func wrapped(_ answer: DHCPv6Message) -> ByteBuffer {
        var bytes = answer.bytes
        for relay in relays.reversed() {
            let known = [DHCPv6OptionCode.interfaceID, .relaySourcePort].compactMap { code in
                relay.options.first { $0.code == code }
            }
            bytes = Self.envelope(.relayReply, relay, known, around: bytes)
        }
        return ByteBuffer(bytes: bytes)
    }

    /// The request as it is on the wire.
    package var encoded: ByteBuffer {
        var bytes = message.bytes
        for relay in relays.reversed() { bytes = Self.envelope(.relayForward, relay, relay.options, around: bytes) }
        return ByteBuffer(bytes: bytes)
    }

    private static func envelope(
        _ type: DHCPv6MessageType,
        _ relay: DHCPv6Envelope,
        _ options: [DHCPv6Option],
        around bytes: [UInt8]
    ) -> [UInt8] {
        let inside = options + [DHCPv6Option(.relayMessage, bytes)]
        return [type.rawValue, relay.hops] + relay.link.octets + relay.peer.octets + inside.flatMap(\.wire)
    }
}

/// Why bytes are not a DHCPv6 message for a server.
package enum DHCPv6WireError: Error, Hashable {
    case truncated
    /// An option's length runs past the end of its field.
    case truncatedOption
    /// A relay's answer, or a relay's message where a client's should stand.
    case relayed
    /// A relay's message with nothing inside.
    case emptyEnvelope
    case tooManyRelays
}

extension DHCPv6WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated: "the message is shorter than its header"
        case .truncatedOption: "an option runs past the end of the message"
        case .relayed: "a relay's message stands where a client's should"
        case .emptyEnvelope: "a relay sent nothing"
        case .tooManyRelays: "the message went through more than \(DHCPv6Request.relaysMax) relays"
        }
    }
}
