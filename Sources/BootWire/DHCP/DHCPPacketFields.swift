package import HostModel

/// What a message says in its options, each read once here.
extension DHCPPacket {
    private func first<Value>(_ read: (DHCPOption) -> Value?) -> Value? {
        for option in options {
            if let value = read(option) { return value }
        }
        return nil
    }

    package var messageType: DHCPMessageType? {
        first { if case .messageType(let type) = $0 { type } else { nil } }
    }

    package var requestedAddress: IPv4Address? {
        first { if case .requestedAddress(let address) = $0 { address } else { nil } }
    }

    package var serverIdentifier: IPv4Address? {
        first { if case .serverIdentifier(let address) = $0 { address } else { nil } }
    }

    package var maximumMessageSize: UInt16? {
        first { if case .maximumMessageSize(let size) = $0 { size } else { nil } }
    }

    package var clientIdentifier: [UInt8]? {
        first { if case .clientIdentifier(let bytes) = $0 { bytes } else { nil } }
    }

    package var vendorClass: [UInt8]? {
        first { if case .vendorClass(let bytes) = $0 { bytes } else { nil } }
    }

    package var vendorSpecific: [UInt8]? {
        first { if case .vendorSpecific(let bytes) = $0 { bytes } else { nil } }
    }

    package var relayAgentInformation: [UInt8]? {
        first { if case .relayAgentInformation(let bytes) = $0 { bytes } else { nil } }
    }

    package var architectures: [ClientArchitecture] {
        first { if case .clientArchitecture(let list) = $0 { list } else { nil } } ?? []
    }

    /// iPXE's own options; `nil` when it is not iPXE that speaks.
    package var ipxe: EncapsulatedOptions? {
        first { if case .ipxe(let options) = $0 { options } else { nil } }
    }

    package var clientMachineIdentifier: [UInt8]? {
        first { if case .clientMachineIdentifier(let bytes) = $0 { bytes } else { nil } }
    }

    /// True when the client asks for this option (option 55).
    package func asks(for code: DHCPOptionCode) -> Bool {
        first { if case .parameterRequestList(let codes) = $0 { codes } else { nil } }?.contains(code) ?? false
    }

    /// The user classes: RFC 3004's list of length-prefixed texts, or, as iPXE sends it, one bare text.
    package var userClasses: [[UInt8]] {
        guard let bytes = first({ if case .userClass(let bytes) = $0 { bytes } else { nil } }) else { return [] }
        var rest = bytes[...]
        var classes: [[UInt8]] = []
        while let length = rest.popFirst() {
            guard length > 0, rest.count >= Int(length) else { return [bytes] }
            classes.append(Array(rest.prefix(Int(length))))
            rest.removeFirst(Int(length))
        }
        return classes
    }

    /// The SMBIOS UUID of option 97; `nil` when missing, of another form, or all zero as on machines without one.
    package var hardwareID: HardwareID? {
        guard let bytes = clientMachineIdentifier, bytes.first == 0 else { return nil }
        return HardwareID(smbiosOctets: Array(bytes.dropFirst()))
    }

    /// The address by which a relay wants the server to be known to its clients, so that what they send there passes the relay
    /// (option 82, sub-option 11, RFC 5107). `nil` without a relay, as `linkAddress`.
    package var serverIdentifierOverride: IPv4Address? {
        guard relayAddress != .any,
            let bytes = relayAgentInformation.flatMap({ EncapsulatedOptions(parsing: $0)?[11] }), bytes.count == 4
        else { return nil }
        return IPv4Address(rawValue: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// True where the message names this server, by its own address or the one that its relay gave it.
    package func names(server: IPv4Address) -> Bool {
        serverIdentifier.map { $0 == server || $0 == serverIdentifierOverride } ?? false
    }

    /// The network that a relay names for the client (option 82, sub-option 5, RFC 3527), else the relay's own address.
    /// `nil` without a relay: option 82 of a client itself is not to be believed (RFC 3046, section 2.1).
    package var linkAddress: IPv4Address? {
        guard relayAddress != .any else { return nil }
        let selection = relayAgentInformation.flatMap { EncapsulatedOptions(parsing: $0)?[5] }
        if let selection, selection.count == 4 {
            return IPv4Address(rawValue: selection.reduce(0) { $0 << 8 | UInt32($1) })
        }
        return relayAddress
    }
}

extension HardwareID {
    /// The SMBIOS UUID as firmware sends it; `nil` unless there are sixteen bytes, one of them not zero.
    ///
    /// The first three fields stand little-endian on the wire, as SMBIOS 2.6 stores them; the text is the one that
    /// `dmidecode` and the kernel print.
    init?(smbiosOctets bytes: [UInt8]) {
        guard bytes.count == 16, bytes.contains(where: { $0 != 0 }) else { return nil }
        var text = ""
        for (index, position) in [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += String(bytes[position] >> 4, radix: 16) + String(bytes[position] & 15, radix: 16)
        }
        self.init(text)
    }
}
