package import HostModel

/// A message to send, and where to.
package struct DHCPReply: Hashable, Sendable {
    package enum Destination: Hashable, Sendable {
        /// 255.255.255.255, port 68. Reaches a client without an address by a plain socket; every firmware takes it.
        case broadcast
        /// The client's own address, port 68.
        case client(IPv4Address)
        /// The relay, port 67.
        case relay(IPv4Address)
        /// Where the message came from: address and port.
        case sender
    }

    package var packet: DHCPPacket
    package var destination: Destination
    /// The most bytes the client takes.
    package var lengthMax: Int
}

/// What follows from one message.
package struct DHCPOutcome: Hashable, Sendable {
    /// Why nobody is answered.
    package enum Silence: String, Hashable, Sendable {
        case notARequest = "not a client's message"
        case noMachine = "not the hardware address of an Ethernet machine"
        case otherNetwork = "relayed from a network that is not served here"
        case unknownRelay = "names a relay that is not known here"
        case notForServers = "no message type for servers"
        case malformed = "names no address"
        case poolExhausted = "the pool has no address left"
        case anotherServer = "the client chose another server"
        case foreignAddress = "an address that this server does not give"
        case notTheirs = "an address that the client does not have from here"
        case noReplyDue = "needs no reply"
        case tooManyHops = "went through too many relays"
        case doesNotBoot = "does not ask what to boot"
        case denied = "the machine boots nothing"
        case stopped = "the machine loads its loader again and again"
        case noLoader = "there is no loader for its architecture"
        case otherBootItem = "asks for a boot item that is not served here"
    }

    package var reply: DHCPReply?
    package var silence: Silence?
    package var changes: [LeaseChange] = []
    package var events: [BootEvent] = []

    init(reply: DHCPReply) { self.reply = reply }

    private init(silence: Silence) { self.silence = silence }

    static func silence(_ reason: Silence, _ events: BootEvent...) -> DHCPOutcome {
        var outcome = DHCPOutcome(silence: reason)
        outcome.events = events
        return outcome
    }
}
