package import HostModel

/// One DHCP message (RFC 2131, section 2): the BOOTP header and the options, wherever on the wire they stood.
package struct DHCPPacket: Hashable, Sendable {
    package enum Operation: UInt8, Hashable, Sendable {
        case request = 1
        case reply = 2
    }

    package var operation: Operation
    /// `htype`: 1 is Ethernet.
    package var hardwareType: UInt8
    /// `hlen`, at most 16.
    package var hardwareLength: UInt8
    package var hops: UInt8
    package var transactionID: UInt32
    /// Since the client began.
    package var seconds: UInt16
    package var flags: UInt16
    /// `ciaddr`: the address the client has and answers to.
    package var clientAddress: IPv4Address
    /// `yiaddr`: the address that the server gives.
    package var yourAddress: IPv4Address
    /// `siaddr`: the server of the next boot step.
    package var nextServer: IPv4Address
    /// `giaddr`: the relay that brought the message.
    package var relayAddress: IPv4Address
    /// `chaddr`: always 16 bytes.
    package private(set) var hardwareAddress: [UInt8]
    /// `sname` up to its NUL; empty when the field held options.
    package var serverName: [UInt8]
    /// `file` up to its NUL; empty when the field held options.
    package var bootFile: [UInt8]
    /// In the order of their first appearance; pieces of one option (RFC 3396) are joined. Neither pads, nor the end mark,
    /// nor the overload option, which say how the others were written.
    package var options: [DHCPOption]

    /// The bytes of the header with the magic cookie.
    package static let headerLength = 240
    /// The most relays that a message may have gone through (RFC 1542, section 4.1.1).
    package static let hopsMax: UInt8 = 16
    static let serverNameLength = 64
    static let bootFileLength = 128
    static let hardwareAddressLength = 16
    static let cookie: UInt32 = 0x6382_5363
    private static let broadcastFlag: UInt16 = 0x8000

    /// A message of an Ethernet client, with every other field zero.
    package init(operation: Operation, transactionID: UInt32, mac: MACAddress, options: [DHCPOption]) {
        let address = mac.octets + Array(repeating: 0, count: Self.hardwareAddressLength - 6)
        self.init(operation: operation, hardware: (1, 6, address), options: options)
        self.transactionID = transactionID
    }

    /// A message with this hardware address, of 16 bytes, and every other field zero.
    init(operation: Operation, hardware: (type: UInt8, length: UInt8, address: [UInt8]), options: [DHCPOption]) {
        (self.operation, self.options, transactionID) = (operation, options, 0)
        (hardwareType, hardwareLength, hardwareAddress) = hardware
        (hops, seconds, flags) = (0, 0, 0)
        (clientAddress, yourAddress, nextServer, relayAddress) = (.any, .any, .any, .any)
        (serverName, bootFile) = ([], [])
    }

    /// An empty reply to a request: what RFC 2131, table 3 copies from one to the other, and the hops: relays that count them
    /// want their own number back, as ISC's and Kea's servers give it.
    package init(replyingTo request: DHCPPacket, options: [DHCPOption]) {
        self = request
        (operation, self.options) = (.reply, options)
        (seconds, clientAddress, yourAddress, nextServer) = (0, .any, .any, .any)
        (serverName, bootFile) = ([], [])
    }

    /// The client cannot take unicast before it has an address.
    package var isBroadcast: Bool {
        get { flags & Self.broadcastFlag != 0 }
        set { flags = newValue ? flags | Self.broadcastFlag : flags & ~Self.broadcastFlag }
    }

    /// The client's Ethernet address; `nil` for other hardware and for addresses that no machine can own.
    package var mac: MACAddress? {
        guard hardwareType == 1, hardwareLength == 6, let mac = MACAddress(octets: hardwareAddress.prefix(6)),
            !mac.isMulticast, mac.rawValue != 0
        else { return nil }
        return mac
    }
}

/// Why bytes are not a DHCP message.
package enum DHCPWireError: Error, Hashable {
    case shorterThanHeader(length: Int)
    case badOperation(UInt8)
    case badHardwareLength(UInt8)
    /// BOOTP without options, or not BOOTP at all.
    case badCookie(UInt32)
    /// The option's length runs past the end of its field.
    case truncatedOption(DHCPOptionCode)
}

extension DHCPWireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .shorterThanHeader(let length): "\(length) bytes are less than a DHCP header"
        case .badOperation(let number): "operation \(number) is neither a request nor a reply"
        case .badHardwareLength(let length): "a hardware address cannot have \(length) bytes"
        case .badCookie(let cookie): "the magic cookie is \(String(cookie, radix: 16)), not DHCP's"
        case .truncatedOption(let code): "\(code) runs past the end of the message"
        }
    }
}
