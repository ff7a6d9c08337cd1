import AgentWire
import HostModel

/// A network of the data center as a host carries it.
package struct NetworkAttachment: Hashable, Sendable {
    /// One attribute, wanted and found.
    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var expected: String
        package var actual: String
    }

    package var network: NetworkRecord
    /// The nic or bond below; `nil` for a bridge without ports.
    package var device: String?
    package var attributes: [Attribute]

    package var isInSync: Bool { attributes.allSatisfy { $0.expected == $0.actual } }

    /// Compares what oVirt compares: whether there is a bridge, the tag, and the MTU.
    init(_ network: NetworkRecord, _ report: NetworkReport, on host: HostCapabilities) {
        self.network = network
        device = report.southbound.map { host.vlans[$0]?.iface ?? $0 }
        attributes = [
            Attribute(name: "bridged", expected: "\(network.isVM)", actual: "\(report.bridged)"),
            Attribute(name: "vlan", expected: Self.text(network.vlan), actual: Self.text(report.vlanid)),
            Attribute(name: "mtu", expected: network.mtu == 0 ? "1500" : "\(network.mtu)", actual: report.address.mtu),
        ]
    }

    private static func text(_ vlan: Int?) -> String { vlan.map { "\($0)" } ?? "none" }

    /// Of every network of the data center that the host reports, by name.
    static func all(_ networks: [NetworkRecord], on host: HostCapabilities) -> [NetworkAttachment] {
        networks.compactMap { network in
            host.networks[network.name].map { NetworkAttachment(network, $0, on: host) }
        }
    }
}

extension NetworkAttachmentOrder {
    /// VDSM's attributes of a network on this host.
    func attributes(of network: NetworkRecord, on host: HostCapabilities) throws(EngineError) -> NetworkAttributes {
        var values: [String: AttributeValue] = [
            "bridged": network.isVM ? "true" : "false", "switch": "legacy",
            "mtu": .text(String(network.mtu == 0 ? WantedNetwork.mtuDefault : network.mtu)),
        ]
        if network.isVM { values["STP"] = "no" }
        if let nic = host_nic, !nic.isEmpty { values[host.bondings[nic] == nil ? "nic" : "bonding"] = .text(nic) }
        if let vlan = network.vlan { values["vlan"] = .text(String(vlan)) }
        switch address {
        case nil, "none": values["bootproto"] = "none"
        case "dhcp": values["bootproto"] = "dhcp"
        case let text?:
            guard let address = IPv4Network(text) else {
                throw EngineError(
                    .invalid,
                    "\(terminalEscaped(text.prefix(64))) is no address.",
                    remedy: "Give dhcp, none, or one like 192.0.2.5/24."
                )
            }
            values["ipaddr"] = .text(address.address.description)
            values["netmask"] = .text(address.netmask.description)
        }
        if let gateway { values["gateway"] = .text(gateway) }
        if default_route == true { values["defaultRoute"] = "true" }
        return NetworkAttributes(values)
    }
}
