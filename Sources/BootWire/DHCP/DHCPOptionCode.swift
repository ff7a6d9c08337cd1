/// The number of a DHCP option (RFC 2132 and IANA's registry). Any number is a value; the ones we act on have names.
package struct DHCPOptionCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    private init(_ rawValue: UInt8) { self.rawValue = rawValue }

    package static let pad = Self(0)
    package static let subnetMask = Self(1)
    package static let router = Self(3)
    package static let domainNameServer = Self(6)
    package static let hostName = Self(12)
    package static let domainName = Self(15)
    package static let broadcastAddress = Self(28)
    package static let vendorSpecific = Self(43)
    package static let requestedAddress = Self(50)
    package static let leaseTime = Self(51)
    package static let overload = Self(52)
    package static let messageType = Self(53)
    package static let serverIdentifier = Self(54)
    package static let parameterRequestList = Self(55)
    package static let message = Self(56)
    package static let maximumMessageSize = Self(57)
    package static let renewalTime = Self(58)
    package static let rebindingTime = Self(59)
    package static let vendorClass = Self(60)
    package static let clientIdentifier = Self(61)
    package static let tftpServerName = Self(66)
    package static let bootFileName = Self(67)
    package static let userClass = Self(77)
    package static let relayAgentInformation = Self(82)
    package static let clientArchitecture = Self(93)
    package static let clientNetworkInterface = Self(94)
    package static let clientMachineIdentifier = Self(97)
    package static let ipxe = Self(175)
    package static let end = Self(255)
}

extension DHCPOptionCode: CustomStringConvertible {
    package var description: String { "option \(rawValue)" }
}

/// What a DHCP message is for: option 53 (RFC 2132, section 9.6). Numbers we do not know survive.
package struct DHCPMessageType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let discover = Self(rawValue: 1)
    package static let offer = Self(rawValue: 2)
    package static let request = Self(rawValue: 3)
    package static let decline = Self(rawValue: 4)
    package static let acknowledge = Self(rawValue: 5)
    package static let refuse = Self(rawValue: 6)
    package static let release = Self(rawValue: 7)
    package static let inform = Self(rawValue: 8)
}

extension DHCPMessageType: CustomStringConvertible {
    /// RFC 2131's name: `DHCPDISCOVER`.
    package var description: String {
        let names = ["DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"]
        return (1...8).contains(rawValue) ? "DHCP" + names[Int(rawValue) - 1] : "message type \(rawValue)"
    }
}
