// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// oVirt's Statistic: one number of a host or of one of its nics, as it was last heard.
package struct StatisticResource: Hashable, Sendable, Codable, WireDocument {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case gauge
        case counter
    }
    package enum Form: String, Hashable, Sendable, Codable, CaseIterable {
        case integer
        case decimal
    }
    package enum Unit: String, Hashable, Sendable, Codable, CaseIterable {
        case none
        case bytes
        case percent
        case bytesPerSecond = "bytes_per_second"
        case bitsPerSecond = "bits_per_second"
    }
    package struct Value: Hashable, Sendable, Codable {
        package var datum: String
        package init(datum: String) { self.datum = datum }
    }
    package struct Values: Hashable, Sendable, Codable {
        package var value: [Value]
        package init(_ datum: String) { value = [Value(datum: datum)] }
    }

    package static let element = "statistic"
    /// oVirt's: the same for the same name everywhere.
    package var id: String
    package var href: String
    package var name: String
    package var description: String
    package var kind: Kind
    package var type: Form
    package var unit: Unit
    package var values: Values
    package var host: ResourceLink?
    package var host_nic: ResourceLink?

    package init(
        _ name: String,
        _ description: String,
        _ kind: Kind,
        _ unit: Unit,
        _ type: Form,
        _ datum: String
    ) {
        (self.name, self.description, self.kind, self.unit, self.type) = (name, description, kind, unit, type)
        (id, href, values) = ("", "", Values(datum))
    }
}

package struct StatisticCollection: Hashable, Sendable, Codable, WireDocument {
    package static let element = "statistics"
    package var statistic: [StatisticResource]
    package init(_ statistics: [StatisticResource]) { statistic = statistics }
}

/// oVirt's UnmanagedNetwork: one that a host has and its data center does not know. Its id is its name in hexadecimal digits.
package struct UnmanagedNetworkResource: Hashable, Sendable, Codable, WireDocument {
    package static let element = "unmanaged_network"
    package var id: String
    package var href: String
    package var name: String
    package var host: ResourceLink
    /// The nic or bond below; `nil` for a bridge without ports.
    package var host_nic: ResourceLink?

    package init(name: String, in collection: String, host: ResourceLink) {
        id = name.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0\(digits)" : digits
        }.joined()
        (self.name, self.host, href) = (name, host, "\(collection)/\(id)")
    }
}

package struct UnmanagedNetworkCollection: Hashable, Sendable, Codable, WireDocument {
    package static let element = "unmanaged_networks"
    package var unmanaged_network: [UnmanagedNetworkResource]
    package init(_ networks: [UnmanagedNetworkResource]) { unmanaged_network = networks }
}

/// The body of `POST hosts/ID/copyhostnetworks`.
package struct CopyNetworksAction: Hashable, Sendable, Codable, WireDocument {
    package static let element = "action"
    package var source_host: WireReference?
    package init(from host: WireReference) { source_host = host }
}
