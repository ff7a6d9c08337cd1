import AgentWire
package import HostModel

/// A network of the data center as a host carries it.
package struct NetworkAttachment: Hashable, Sendable {
    package var network: NetworkRecord
    /// The nic or bond below; `nil` for a bridge without ports.
    package var device: String?
    package var attributes: [NetworkAttribute]
    /// One of IPv4 and one of IPv6, as the host reports them.
    package var assignments: [WantedAttachmentResource.Assignment]

    package var isInSync: Bool { attributes.allSatisfy(\.isInSync) }

    /// Compares what oVirt compares: whether there is a bridge, the tag, and the MTU; and the addresses as they were ordered,
    /// where the engine knows the order.
    init(
        _ network: NetworkRecord,
        _ report: NetworkReport,
        ordered: NetworkAttributes?,
        on host: HostCapabilities
    ) {
        self.network = network
        device = report.device(on: host)
        assignments = NetworkComparison.assignments(report.address)
        attributes = NetworkComparison.link(
            bridged: network.isVM,
            vlan: network.vlan,
            mtu: network.mtu == 0 ? WantedNetwork.mtuDefault : network.mtu,
            in: report
        )
        guard let ordered, let wanted = try? WantedNetwork(name: network.name, attributes: ordered) else { return }
        attributes += NetworkComparison(wanted: wanted, report: report, host: host).addressing
    }

    /// Of every network of the data center that the host reports, by name. `ordered`: by the network's id.
    static func all(
        _ networks: [NetworkRecord],
        ordered: [UniqueID: NetworkAttributes],
        on host: HostCapabilities
    ) -> [NetworkAttachment] {
        networks.compactMap { network in
            host.networks[network.name].map {
                NetworkAttachment(network, $0, ordered: ordered[network.id], on: host)
            }
        }
    }
}
