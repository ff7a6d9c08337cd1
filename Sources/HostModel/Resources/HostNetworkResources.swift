// swift-format-ignore-file: AlwaysUseLowerCamelCase

// What oVirt's clients ask of a host's networks (ovirt.md 4.7, 4.8). Members that are not named here are skipped.

/// A flag that oVirt writes as a string; either form is read.
package struct WireFlag: Hashable, Sendable, Codable {
    package var value: Bool

    package init(_ value: Bool) { self.value = value }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            value = flag
            return
        }
        guard let flag = Bool(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected true or false")
        }
        value = flag
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value ? "true" : "false")
    }
}

/// A list in its element, `{"host_nic": […]}`; a list of one may come as the element itself.
package struct WireList<Element: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
    package var elements: [Element]

    package init(_ elements: [Element]) { self.elements = elements }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            elements = try container.decode([Element].self)
        } catch DecodingError.typeMismatch(let type, let context)
            where context.codingPath.count == decoder.codingPath.count
        {
            guard let one = try? container.decode(Element.self) else { throw DecodingError.typeMismatch(type, context) }
            elements = [one]
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(elements)
    }
}

/// A thing by its id or its name.
package struct WireReference: Hashable, Sendable, Codable {
    package var id: String?
    package var name: String?

    package init(id: String? = nil, name: String? = nil) { (self.id, self.name) = (id, name) }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
    }

    /// `{"name": "red"}`, `{"id": …}`; a text alone is a name.
    package init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            (id, name) = (nil, text)
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        name = try container.decodeIfPresent(String.self, forKey: .name)
    }

    /// What to look for, and to show.
    package var text: String { name ?? id ?? "" }
}

/// oVirt's HostNic, as far as it makes or changes a bond. The id of a NIC or bond is its name.
package struct HostNICResource: Hashable, Sendable, Codable {
    package struct Option: Hashable, Sendable, Codable {
        package var name: String
        package var value: String?
        /// In clients' words only.
        package var type: String?
        package init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }
    package struct Options: Hashable, Sendable, Codable {
        package var option: WireList<Option>?
        package init(_ options: [Option]) { option = WireList(options) }
    }
    package struct Slaves: Hashable, Sendable, Codable {
        package var host_nic: WireList<WireReference>?
        package init(_ slaves: [WireReference]) { host_nic = WireList(slaves) }
    }
    package struct Bonding: Hashable, Sendable, Codable {
        /// `nil`: those of the bond that stands.
        package var options: Options?
        package var slaves: Slaves?
        package init(options: Options? = nil, slaves: Slaves? = nil) { (self.options, self.slaves) = (options, slaves) }
    }

    package var id: String?
    package var name: String?
    package var bonding: Bonding?

    package init(name: String, bonding: Bonding? = nil) { (self.name, self.bonding) = (name, bonding) }
}

/// oVirt's NetworkAttachment as it is asked for. Its id is the network's.
package struct WantedAttachmentResource: Hashable, Sendable, Codable {
    package struct Address: Hashable, Sendable, Codable {
        package var address: String?
        /// A mask, or the length of the prefix.
        package var netmask: String?
        package var gateway: String?
        /// `v4`, which it is unless set, or `v6`.
        package var version: String?

        /// Of what is empty nothing is said.
        package init(_ address: String?, netmask: String?, gateway: String?, version: String) {
            func text(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }
            (self.address, self.netmask, self.gateway) = (text(address), text(netmask), text(gateway))
            self.version = version
        }
    }
    package struct Assignment: Hashable, Sendable, Codable {
        /// `none`, `dhcp`, `static`; of IPv6 also `autoconf`, `poly_dhcp_autoconf`.
        package var assignment_method: String?
        package var ip: Address?

        package init(_ method: String, _ ip: Address) { (assignment_method, self.ip) = (method, ip) }
    }
    package struct Assignments: Hashable, Sendable, Codable {
        package var ip_address_assignment: WireList<Assignment>?
        package init(_ assignments: [Assignment]) { ip_address_assignment = WireList(assignments) }
    }
    package struct Property: Hashable, Sendable, Codable {
        package var name: String
        package var value: String?
    }
    package struct Properties: Hashable, Sendable, Codable {
        package var property: WireList<Property>?
    }
    package struct NameServers: Hashable, Sendable, Codable {
        package var name_server: WireList<String>?
    }
    package struct Resolvers: Hashable, Sendable, Codable {
        package var name_servers: NameServers?
    }

    package var id: String?
    package var network: WireReference?
    /// `nil`: where it is; empty: a bridge without ports.
    package var host_nic: WireReference?
    package var ip_address_assignments: Assignments?
    package var properties: Properties?
    package var dns_resolver_configuration: Resolvers?

    package init(network: WireReference) { self.network = network }

    /// The network that is meant.
    package var reference: String { network?.text ?? id ?? "" }
}

/// A label of a NIC. Its id is the label.
package struct NICLabelResource: Hashable, Sendable, Codable {
    package var id: String
    package var href: String?
    package var host_nic: WireReference?

    package init(id: String, nic: String? = nil) {
        self.id = id
        host_nic = nic.map { WireReference(id: $0, name: $0) }
    }
}

package struct NICLabelCollection: Hashable, Sendable, Codable {
    package var network_label: WireList<NICLabelResource>?
    package init(_ labels: [NICLabelResource]) { network_label = WireList(labels) }
}

/// The body of `POST hosts/ID/setupnetworks`.
package struct SetupNetworksResource: Hashable, Sendable, Codable {
    package struct NICs: Hashable, Sendable, Codable {
        package var host_nic: WireList<HostNICResource>?
        package init(_ nics: [HostNICResource]) { host_nic = WireList(nics) }
    }
    package struct Attachments: Hashable, Sendable, Codable {
        package var network_attachment: WireList<WantedAttachmentResource>?
        package init(_ attachments: [WantedAttachmentResource]) { network_attachment = WireList(attachments) }
    }

    package var modified_bonds: NICs?
    package var removed_bonds: NICs?
    package var modified_network_attachments: Attachments?
    package var removed_network_attachments: Attachments?
    /// Made anew as the data center and their last order have them.
    package var synchronized_network_attachments: Attachments?
    package var modified_labels: NICLabelCollection?
    package var removed_labels: NICLabelCollection?
    /// True unless set.
    package var check_connectivity: WireFlag?
    /// Seconds.
    package var connectivity_timeout: WireNumber?
    /// Whether it is kept for the host's next start; false unless set.
    package var commit_on_success: WireFlag?

    package init() {}

    /// One that is kept for the host's next start.
    package static func committing(_ body: (inout SetupNetworksResource) -> Void) -> SetupNetworksResource {
        var order = SetupNetworksResource()
        order.commit_on_success = WireFlag(true)
        body(&order)
        return order
    }
}

/// oVirt's HostNicVirtualFunctionsConfiguration, as far as it is the host's.
package struct VirtualFunctionsResource: Hashable, Sendable, Codable {
    package var number_of_virtual_functions: WireNumber?

    package init(count: Int) { number_of_virtual_functions = WireNumber(count) }
}

/// The body of `POST hosts/ID/nics/NIC/updatevirtualfunctionsconfiguration`.
package struct VirtualFunctionsAction: Hashable, Sendable, Codable {
    package var virtual_functions_configuration: VirtualFunctionsResource

    package init(count: Int) { virtual_functions_configuration = VirtualFunctionsResource(count: count) }
}
