// Networks of the engine and on hosts, as REST has them.

/// The body of `POST networks` and `PUT networks/ID`: what is left out stays, or has oVirt's default.
package struct NetworkOrder: Hashable, Sendable, Codable {
    package var name: String?
    /// Of a new network; the first one where it is left out.
    package var data_center: WireReference?
    package var description: String?
    package var comment: String?
    /// What nothing here does: only false is taken.
    package var stp: WireFlag?
    package var port_isolation: WireFlag?
    /// Octets; `0`: the default, 1500.
    package var mtu: String?
    /// An empty id takes the tag away.
    package var vlan: NetworkResource.VLAN?
    /// `vm`: a bridge, for guests.
    package var usages: NetworkResource.Usages?
    /// A host of the cluster without it is not operational.
    package var required: Bool?
    /// Ours: a nic of a host with this label carries the network. Empty takes it away.
    package var label: String?

    package init() {}
}

/// The body of `POST clusters/ID/networks` and `PUT clusters/ID/networks/NETWORK`: which network, and what hosts of the cluster
/// need of it.
package struct ClusterNetworkOrder: Hashable, Sendable, Codable {
    package var id: String?
    package var name: String?
    package var required: Bool?
    package var usages: NetworkResource.Usages?

    package init() {}

    /// What is said of the network itself.
    package var change: NetworkOrder {
        var order = NetworkOrder()
        (order.required, order.usages) = (required, usages)
        return order
    }
}

/// `hosts/ID/networkattachments`: a network of the data center as it stands on a host.
package struct NetworkAttachmentResource: Hashable, Sendable, Codable {
    /// One attribute, as the data center has it and as the host has it (oVirt's ReportedConfiguration).
    package struct Configuration: Hashable, Sendable, Codable {
        package var name: String
        package var expected_value: String
        package var actual_value: String
        package var in_sync: Bool

        package init(name: String, expected: String, actual: String) {
            (self.name, expected_value, actual_value, in_sync) = (name, expected, actual, expected == actual)
        }
    }
    package struct Configurations: Hashable, Sendable, Codable {
        package var reported_configuration: [Configuration]
    }

    /// The network's id.
    package var id: String
    package var href: String?
    package var host: ResourceLink?
    package var network: ResourceLink
    /// The nic or bond; `nil` for a bridge without ports.
    package var host_nic: ResourceLink?
    package var in_sync: Bool
    package var reported_configurations: Configurations
    /// As the host reports them: one of IPv4 and one of IPv6, also where there is none.
    package var ip_address_assignments: WantedAttachmentResource.Assignments?

    package init(_ network: ResourceLink, over nic: String?, _ configurations: [Configuration]) {
        (self.id, self.network) = (network.id, network)
        host_nic = nic.map { ResourceLink(id: $0, name: $0) }
        in_sync = configurations.allSatisfy(\.in_sync)
        reported_configurations = Configurations(reported_configuration: configurations)
    }
}

package struct NetworkAttachmentCollection: Hashable, Sendable, Codable {
    package var network_attachment: [NetworkAttachmentResource]?
    package init(_ attachments: [NetworkAttachmentResource]) { network_attachment = attachments }
}

/// The body of `POST hosts/ID/networkattachments`: attaches, or changes how a network is attached. What is left out stays as
/// it is on the host.
package struct NetworkAttachmentOrder: Hashable, Sendable, Codable {
    /// Name or id.
    package var network: String
    /// A nic or bond of the host; empty for a bridge without ports.
    package var host_nic: String?
    /// `dhcp`, `none`, or `ADDRESS/LENGTH`.
    package var address: String?
    /// `none` takes it away.
    package var gateway: String?
    /// The host's default route goes by it.
    package var default_route: Bool?

    package init(network: String) { self.network = network }
}
