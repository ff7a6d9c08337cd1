import HostModel

/// What `apply` says of the host's networks, with the networks read: that takes longer than to ask.
package struct OwnedHere: Sendable {
    package let ownership: NetworkOwnership
    let networks: [WantedNetwork]

    package init(_ ownership: NetworkOwnership) {
        self.ownership = ownership
        networks = ownership.networks.compactMap { try? WantedNetwork(name: $0.key, canonical: $0.value) }
    }
}
