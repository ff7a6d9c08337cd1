package import HostModel

/// One DHCP option (RFC 2132 and, where a case says so, a later one).
///
/// Texts are the bytes that came: what a machine says about itself is hostile until escaped. A code we do not know, and
/// a known code whose payload has not its form, survive a round trip as `.unknown`.
package enum DHCPOption: Hashable, Sendable {
    case subnetMask(IPv4Address)
    case routers([IPv4Address])
    case domainNameServers([IPv4Address])
    case hostName([UInt8])
    case domainName([UInt8])
    case broadcastAddress(IPv4Address)
    /// Vendor-encapsulated options; for PXE clients the sub-options of the PXE specification 2.1.
    case vendorSpecific([UInt8])
    case requestedAddress(IPv4Address)
    case leaseTime(seconds: UInt32)
    case messageType(DHCPMessageType)
    case serverIdentifier(IPv4Address)
    case parameterRequestList([DHCPOptionCode])
    /// Why a server refused or a client declined, for a person.
    case message([UInt8])
    /// The longest IP datagram the client takes, in bytes.
    case maximumMessageSize(UInt16)
    case renewalTime(seconds: UInt32)
    case rebindingTime(seconds: UInt32)
    case vendorClass([UInt8])
    case clientIdentifier([UInt8])
    case tftpServerName([UInt8])
    /// Without the NUL that ends it on the wire.
    case bootFileName([UInt8])
    /// RFC 3004, or iPXE's bare text: see `DHCPPacket.userClasses`.
    case userClass([UInt8])
    /// RFC 3046. Echoed as it came, as the last option.
    case relayAgentInformation([UInt8])
    /// RFC 4578, section 2.1: one or more.
    case clientArchitecture([ClientArchitecture])
    /// RFC 4578, section 2.2: UNDI type 1 and its version.
    case clientNetworkInterface(type: UInt8, major: UInt8, minor: UInt8)
    /// RFC 4578, section 2.3: type 0 and the 16 bytes of the SMBIOS UUID.
    case clientMachineIdentifier([UInt8])
    /// iPXE's encapsulated options.
    case ipxe(EncapsulatedOptions)
    case unknown(code: DHCPOptionCode, payload: [UInt8])

    package init(code: DHCPOptionCode, payload: [UInt8]) {
        self =
            Self.addressOption(code, payload)
            ?? Self.numberOption(code, payload)
            ?? Self.bytesOption(code, payload)
            ?? .unknown(code: code, payload: payload)
    }

    private static func addressOption(_ code: DHCPOptionCode, _ payload: [UInt8]) -> DHCPOption? {
        guard let addresses = IPv4Address.list(payload), let first = addresses.first else { return nil }
        switch code {
        case .router: return .routers(addresses)
        case .domainNameServer: return .domainNameServers(addresses)
        case .subnetMask where addresses.count == 1: return .subnetMask(first)
        case .broadcastAddress where addresses.count == 1: return .broadcastAddress(first)
        case .requestedAddress where addresses.count == 1: return .requestedAddress(first)
        case .serverIdentifier where addresses.count == 1: return .serverIdentifier(first)
        default: return nil
        }
    }

    private static func numberOption(_ code: DHCPOptionCode, _ payload: [UInt8]) -> DHCPOption? {
        let number = payload.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch (code, payload.count) {
        case (.leaseTime, 4): return .leaseTime(seconds: UInt32(truncatingIfNeeded: number))
        case (.renewalTime, 4): return .renewalTime(seconds: UInt32(truncatingIfNeeded: number))
        case (.rebindingTime, 4): return .rebindingTime(seconds: UInt32(truncatingIfNeeded: number))
        case (.maximumMessageSize, 2): return .maximumMessageSize(UInt16(truncatingIfNeeded: number))
        case (.messageType, 1): return .messageType(DHCPMessageType(rawValue: payload[0]))
        case (.clientNetworkInterface, 3):
            return .clientNetworkInterface(type: payload[0], major: payload[1], minor: payload[2])
        default: return nil
        }
    }

    private static func bytesOption(_ code: DHCPOptionCode, _ payload: [UInt8]) -> DHCPOption? {
        switch code {
        case .hostName: return .hostName(payload)
        case .domainName: return .domainName(payload)
        case .vendorSpecific: return .vendorSpecific(payload)
        case .parameterRequestList: return .parameterRequestList(payload.map(DHCPOptionCode.init(rawValue:)))
        case .message: return .message(payload)
        case .vendorClass: return .vendorClass(payload)
        case .clientIdentifier: return .clientIdentifier(payload)
        case .tftpServerName: return .tftpServerName(payload)
        case .bootFileName: return .bootFileName(Array(payload.prefix { $0 != 0 }))
        case .userClass: return .userClass(payload)
        case .relayAgentInformation: return .relayAgentInformation(payload)
        case .clientMachineIdentifier: return .clientMachineIdentifier(payload)
        case .clientArchitecture: return ClientArchitecture.list(payload).map(DHCPOption.clientArchitecture)
        case .ipxe: return EncapsulatedOptions(parsing: payload).map(DHCPOption.ipxe)
        default: return nil
        }
    }
}

extension DHCPOption {
    package var code: DHCPOptionCode {
        switch self {
        case .subnetMask: .subnetMask
        case .routers: .router
        case .domainNameServers: .domainNameServer
        case .hostName: .hostName
        case .domainName: .domainName
        case .broadcastAddress: .broadcastAddress
        case .vendorSpecific: .vendorSpecific
        case .requestedAddress: .requestedAddress
        case .leaseTime: .leaseTime
        case .messageType: .messageType
        case .serverIdentifier: .serverIdentifier
        case .parameterRequestList: .parameterRequestList
        case .message: .message
        case .maximumMessageSize: .maximumMessageSize
        case .renewalTime: .renewalTime
        case .rebindingTime: .rebindingTime
        case .vendorClass: .vendorClass
        case .clientIdentifier: .clientIdentifier
        case .tftpServerName: .tftpServerName
        case .bootFileName: .bootFileName
        case .userClass: .userClass
        case .relayAgentInformation: .relayAgentInformation
        case .clientArchitecture: .clientArchitecture
        case .clientNetworkInterface: .clientNetworkInterface
        case .clientMachineIdentifier: .clientMachineIdentifier
        case .ipxe: .ipxe
        case .unknown(let code, _): code
        }
    }

    /// The bytes after code and length. May be longer than 255: RFC 3396 splits it on the wire.
    package var payload: [UInt8] {
        switch self {
        case .subnetMask(let address), .broadcastAddress(let address), .requestedAddress(let address),
            .serverIdentifier(let address):
            address.octets
        case .routers(let addresses), .domainNameServers(let addresses):
            addresses.flatMap(\.octets)
        case .leaseTime(let seconds), .renewalTime(let seconds), .rebindingTime(let seconds):
            (0..<4).map { UInt8(truncatingIfNeeded: seconds >> (24 - 8 * $0)) }
        case .messageType(let type): [type.rawValue]
        case .parameterRequestList(let codes): codes.map(\.rawValue)
        case .maximumMessageSize(let size): [UInt8(size >> 8), UInt8(size & 0xFF)]
        // EDK2 writes a NUL behind this option in place: without one of ours it destroys the next option's code.
        case .bootFileName(let bytes): bytes + [0]
        case .hostName(let bytes), .domainName(let bytes), .vendorSpecific(let bytes), .message(let bytes),
            .vendorClass(let bytes), .clientIdentifier(let bytes), .tftpServerName(let bytes),
            .userClass(let bytes), .relayAgentInformation(let bytes), .clientMachineIdentifier(let bytes),
            .unknown(_, let bytes):
            bytes
        case .clientArchitecture(let list): list.flatMap { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xFF)] }
        case .clientNetworkInterface(let type, let major, let minor): [type, major, minor]
        case .ipxe(let options): options.encoded
        }
    }
}

extension IPv4Address {
    /// The addresses of a payload of four bytes each; `nil` when its length is not a multiple of four.
    fileprivate static func list(_ payload: [UInt8]) -> [IPv4Address]? {
        guard payload.count.isMultiple(of: 4) else { return nil }
        return stride(from: 0, to: payload.count, by: 4).map { start in
            IPv4Address(rawValue: payload[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}
