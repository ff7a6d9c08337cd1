package import HostModel

/// All networks that one server gives addresses in: the one that it stands in, and those whose machines it hears through
/// relays. None overlaps another, so that an address is of one network.
package struct DHCPNetworks: Hashable, Sendable {
    /// The server's own network first.
    package let all: [DHCPSettings]
    /// Others than these are not answered.
    package let relays: KnownRelays

    /// The most networks of one server: each message is looked up among them.
    package static let countMax = 256

    /// One network, without relays.
    package init(_ own: DHCPSettings) { (all, relays) = ([own], KnownRelays(networks: [own.network])) }

    /// `relays` are those that have no address in one of the networks.
    package init(
        _ own: DHCPSettings,
        relayed: [DHCPSettings],
        relays: Set<IPv4Address> = []
    ) throws(DHCPSettingsError) {
        guard relayed.count < Self.countMax else { throw .tooManyNetworks(relayed.count + 1) }
        var taken = [own]
        for settings in relayed {
            if let other = taken.first(where: { $0.network.overlaps(settings.network) }) {
                throw .networksOverlap(settings.network, other.network)
            }
            taken.append(settings)
        }
        all = taken
        self.relays = KnownRelays(networks: taken.map(\.network), addresses: relays)
    }

    package var own: DHCPSettings { all[0] }

    /// The network that an address is of; `nil` for one that is not served.
    package func index(of address: IPv4Address) -> Int? { all.firstIndex { $0.network.contains(address) } }

    /// The network that a client is in: where its relay says that it is (option 82's link selection, else the relay's own
    /// address); without a relay the one of the address that it has, because a machine renews its lease without its relay;
    /// else the server's own. `nil` when a relay speaks of a network that is not served, or is not known itself.
    package func index(for packet: DHCPPacket) -> Int? {
        guard relays.contain(packet.relayAddress) else { return nil }
        if let link = packet.linkAddress { return index(of: link) }
        guard packet.clientAddress != .any else { return 0 }
        return index(of: packet.clientAddress) ?? 0
    }
}

extension IPv4Network {
    fileprivate func overlaps(_ other: IPv4Network) -> Bool { contains(other.first) || other.contains(first) }
}
