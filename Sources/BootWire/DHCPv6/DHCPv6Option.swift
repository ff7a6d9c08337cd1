/// One DHCPv6 option (RFC 8415, section 21): its number and what follows its length.
///
/// Kept as it came; what an option says is read where it is asked for, so that an option of a form that is not ours harms
/// nobody.
package struct DHCPv6Option: Hashable, Sendable {
    package var code: DHCPv6OptionCode
    /// At most 65,535 bytes; what is longer is cut when it is written.
    package var payload: [UInt8]

    package init(_ code: DHCPv6OptionCode, _ payload: [UInt8]) { (self.code, self.payload) = (code, payload) }

    /// Options inside an option, behind `skipping` bytes of fields; `nil` when they are not whole.
    package func nested(skipping: Int = 0) -> [DHCPv6Option]? {
        guard payload.count >= skipping else { return nil }
        return Self.list(payload[skipping...])
    }

    /// Every option of a field; `nil` when a length runs past its end.
    static func list(_ bytes: some Collection<UInt8>) -> [DHCPv6Option]? {
        var rest = Array(bytes)[...]
        var options: [DHCPv6Option] = []
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let code = rest.number(2)
            let length = Int(rest.number(2))
            guard rest.count >= length else { return nil }
            options.append(DHCPv6Option(DHCPv6OptionCode(rawValue: UInt16(code)), Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return options
    }

    /// Number, length and payload.
    package var wire: [UInt8] {
        let payload = payload.prefix(Int(UInt16.max))
        return [UInt8].bigEndian(code.rawValue) + [UInt8].bigEndian(UInt16(payload.count)) + payload
    }
}

/// The number of a DHCPv6 option (IANA's registry). Any number is a value; the ones we act on have names.
package struct DHCPv6OptionCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    private init(_ rawValue: UInt16) { self.rawValue = rawValue }

    package static let clientID = Self(1)
    package static let serverID = Self(2)
    /// An association of addresses that do not change (IA_NA).
    package static let addresses = Self(3)
    /// One of addresses that do (IA_TA).
    package static let temporaryAddresses = Self(4)
    package static let address = Self(5)
    /// What the client asks for (ORO).
    package static let request = Self(6)
    package static let relayMessage = Self(9)
    package static let statusCode = Self(13)
    package static let rapidCommit = Self(14)
    package static let userClass = Self(15)
    package static let vendorClass = Self(16)
    package static let interfaceID = Self(18)
    package static let nameServers = Self(23)
    /// An association of prefixes, for routers (IA_PD).
    package static let prefixes = Self(25)
    /// RFC 5970: the URL of what to boot.
    package static let bootFileURL = Self(59)
    package static let bootFileParameters = Self(60)
    package static let clientArchitecture = Self(61)
    package static let clientNetworkInterface = Self(62)
    /// RFC 6939: the client's hardware address, as its relay saw it.
    package static let clientLinkLayerAddress = Self(79)
    /// RFC 8357: the relay asks from a port of its own, which the next relay names in it.
    package static let relaySourcePort = Self(135)
}

/// How a request ended (RFC 8415, section 21.13).
package enum DHCPv6Status: UInt16, Hashable, Sendable {
    case success = 0
    case noAddressAvailable = 2
    case notOnLink = 4
    case noPrefixAvailable = 6

    /// The option, with a sentence for a person.
    package func option(_ text: String = "") -> DHCPv6Option {
        DHCPv6Option(.statusCode, [UInt8].bigEndian(rawValue) + Array(text.utf8))
    }
}

extension [UInt8] {
    static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        Swift.withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

extension ArraySlice<UInt8> {
    /// Takes a number of so many bytes, at most eight, which must be there.
    mutating func number(_ length: Int) -> UInt64 {
        defer { self = dropFirst(length) }
        return prefix(length).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
