package import HostModel

/// Who asks by DHCPv6: read once from a message, its relays and its sender.
package struct DHCPv6Client: Hashable, Sendable {
    /// By what a server knows it again (RFC 8415, section 11): two bytes of type, and 1 to 128 more. Empty where a question
    /// needs none.
    package var identifier: [UInt8]
    /// The card that it asks with, as far as anybody can tell.
    package var mac: MACAddress?
    package var hardwareID: HardwareID?
    package var boot: BootClient

    package static let identifierLengths = 3...130

    /// `source`: who sent the datagram. `nil` for an identifier that is none.
    package init?(of request: DHCPv6Request, from source: IPv6Address) {
        identifier = request.message[.clientID] ?? []
        guard identifier.isEmpty || Self.identifierLengths.contains(identifier.count) else { return nil }
        mac = Self.card(request, source, identifier)
        hardwareID = Self.hardwareID(identifier)
        boot = BootClient(of: request.message)
    }

    /// What its relay saw; else the one that its link-local address is made of (firmware makes it so), which is the card that
    /// it asks with; else the one in its identifier, which may be another card of the machine.
    private static func card(
        _ request: DHCPv6Request,
        _ source: IPv6Address,
        _ identifier: [UInt8]
    ) -> MACAddress? {
        let seen = request.relays.last?.options.first { $0.code == .clientLinkLayerAddress }?.payload
        let candidates = [
            seen.flatMap { $0.count == 8 && $0.starts(with: [0, 1]) ? MACAddress(octets: $0.dropFirst(2)) : nil },
            (request.relays.last?.peer ?? source).cardOfLinkLocal, Self.card(in: identifier),
        ]
        return candidates.compactMap(\.self).first { !$0.isMulticast && $0.rawValue != 0 }
    }

    /// DUID-LLT and DUID-LL of Ethernet (RFC 8415, sections 11.2 and 11.4).
    private static func card(in identifier: [UInt8]) -> MACAddress? {
        switch (identifier.prefix(4), identifier.count) {
        case ([0, 1, 0, 1], 14): MACAddress(octets: identifier.suffix(6))
        case ([0, 3, 0, 1], 10): MACAddress(octets: identifier.suffix(6))
        default: nil
        }
    }

    /// DUID-UUID (RFC 6355). EDK2 writes the SMBIOS UUID as it lies in memory, as in DHCP's option 97.
    private static func hardwareID(_ identifier: [UInt8]) -> HardwareID? {
        guard identifier.count == 18, identifier.starts(with: [0, 4]) else { return nil }
        return HardwareID(smbiosOctets: Array(identifier.dropFirst(2)))
    }
}

extension BootClient {
    /// As of a DHCP message: user class (option 15), vendor class (16), architectures (61).
    package init(of message: DHCPv6Message) {
        self.init(
            architectures: message[.clientArchitecture].flatMap(ClientArchitecture.list) ?? [],
            vendor: message[.vendorClass].map { String(decoding: $0.dropFirst(6), as: UTF8.self) } ?? "",
            isIPXE: message[.userClass].map(Self.classes)?.contains(Array("iPXE".utf8)) ?? false,
            hasHTTP: true
        )
    }

    /// Texts, each behind its length in two bytes; what is not whole is left out.
    private static func classes(_ bytes: [UInt8]) -> [[UInt8]] {
        var (rest, classes) = (bytes[...], [[UInt8]]())
        while rest.count >= 2 {
            let length = Int(rest.number(2))
            guard rest.count >= length else { break }
            classes.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return classes
    }
}

extension IPv6Address {
    /// The card whose modified EUI-64 (RFC 4291, appendix A) a link-local address ends in; `nil` for others.
    package var cardOfLinkLocal: MACAddress? { isLinkLocal ? cardOfInterfaceID : nil }

    /// The same for any prefix of 64 bits.
    package var cardOfInterfaceID: MACAddress? {
        guard low >> 24 & 0xFFFF == 0xFFFE else { return nil }
        let octets = self.octets
        return MACAddress(octets: [octets[8] ^ 2] + octets[9...10] + octets[13...15])
    }
}
