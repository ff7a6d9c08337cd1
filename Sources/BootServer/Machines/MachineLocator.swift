import BootWire
package import HostModel

/// Which machine an address is: by the neighbours that the kernel has heard, then by the leases.
package struct MachineLocator: Sendable {
    private let neighbours: NeighbourTable?
    private let leases: LeaseStore?
    private let network: IPv4Network?
    private let given: GivenAddresses?
    private let network6: IPv6Network?

    /// Without `leases` another server gives the addresses; without `network` every address is of ours. `given`: those of IPv6,
    /// `network6` the network that they are of.
    package init(
        neighbours: NeighbourTable? = nil,
        leases: LeaseStore? = nil,
        network: IPv4Network? = nil,
        given: GivenAddresses? = nil,
        network6: IPv6Network? = nil
    ) {
        (self.neighbours, self.leases, self.network, self.given) = (neighbours, leases, network, given)
        self.network6 = network6
    }

    /// The same for either family. What an address of IPv6 is made of is believed of a neighbour, where nobody knows better: it
    /// is for events, never for `knows` and `vouches`. From farther away anybody can have such an address, and with a
    /// machine's events its boot is stopped.
    package func machine(at address: IPAddress) async -> MACAddress? {
        switch address {
        case .v4(let address): await machine(at: address)
        case .v6(let address):
            given?.machine(at: address) ?? (isNear(address) ? address.cardOfInterfaceID : nil)
        }
    }

    private func isNear(_ address: IPv6Address) -> Bool {
        address.isLinkLocal || network6?.contains(address) ?? false
    }

    /// The machine that has the address now; `nil` when nobody can say.
    package func machine(at address: IPv4Address) async -> MACAddress? {
        if let neighbour = neighbours?.machine(at: address) { return neighbour }
        return await leases?.machine(at: address)
    }

    /// True when the address is known to be the machine's: nobody is believed for want of better knowledge.
    package func knows(_ mac: MACAddress, at address: IPv4Address) async -> Bool { await machine(at: address) == mac }

    /// True when a request from this address that names this machine may count as the machine's own.
    ///
    /// What comes from behind a router while another server gives the addresses cannot be told apart, and counts.
    package func vouches(for mac: MACAddress, at address: IPv4Address) async -> Bool {
        if let found = await machine(at: address) { return found == mac }
        return leases == nil && network.map { !$0.contains(address) } ?? false
    }
}
