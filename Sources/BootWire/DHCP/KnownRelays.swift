package import HostModel

/// The relays that are answered.
///
/// A message names its relay itself (giaddr), and the answer goes there: whoever may name any address makes the server throw
/// packets at it. Believed are addresses of the networks that are served, where relays stand as their machines' routers, and
/// those that an operator names.
package struct KnownRelays: Hashable, Sendable {
    package var networks: [IPv4Network]
    /// Relays that speak from an address of another network: the one between them and the server, or a loopback address.
    package var addresses: Set<IPv4Address>

    package init(networks: [IPv4Network], addresses: Set<IPv4Address> = []) {
        (self.networks, self.addresses) = (networks, addresses)
    }

    /// True for 0.0.0.0, too: no relay.
    package func contain(_ relay: IPv4Address) -> Bool {
        relay == .any || addresses.contains(relay) || networks.contains { $0.contains(relay) }
    }
}
