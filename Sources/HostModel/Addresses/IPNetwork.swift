/// An address of either family.
package enum IPAddress: Hashable, Sendable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    package init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    package var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
    package var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }

    /// In wire order: four or sixteen.
    package var octets: [UInt8] {
        switch self {
        case .v4(let address): address.octets
        case .v6(let address): address.octets
        }
    }
}

/// An address with its prefix length, of either family.
package enum IPNetwork: Hashable, Sendable {
    case v4(IPv4Network)
    case v6(IPv6Network)

    package init?(_ text: some StringProtocol) {
        if let network = IPv4Network(text) {
            self = .v4(network)
        } else if let network = IPv6Network(text) {
            self = .v6(network)
        } else {
            return nil
        }
    }

    package var v4: IPv4Network? { if case .v4(let network) = self { network } else { nil } }
    package var v6: IPv6Network? { if case .v6(let network) = self { network } else { nil } }

    package var prefixLength: Int {
        switch self {
        case .v4(let network): network.prefixLength
        case .v6(let network): network.prefixLength
        }
    }

    /// The address of the network itself, in wire order.
    package var firstOctets: [UInt8] {
        switch self {
        case .v4(let network): network.first.octets
        case .v6(let network): network.prefix.address.octets
        }
    }
}

extension IPAddress: CustomStringConvertible, Codable {
    package var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = IPAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension IPNetwork: CustomStringConvertible, Codable {
    package var description: String {
        switch self {
        case .v4(let network): network.description
        case .v6(let network): network.description
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let network = IPNetwork(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected address/length")
        }
        self = network
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
