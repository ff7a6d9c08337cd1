// The start of a machine: what was committed stands again (ovirt.md 6.6).

extension OwnedNetworks {
    /// What of it this host can carry: bonds keep the nics that are there, networks on a nic or bond that is not there are
    /// left out. `lost` says what, a sentence each.
    package func available(in state: NetworkState) -> (kept: OwnedNetworks, lost: [String]) {
        var (kept, lost) = (self, [String]())
        for (name, bond) in bonds.sorted(by: { $0.key < $1.key }) {
            let nics = bond.nics.filter { state.links[$0]?.isNIC == true }
            guard nics != bond.nics else { continue }
            let missing = bond.nics.filter { !nics.contains($0) }.joined(separator: ", ")
            guard !nics.isEmpty else {
                kept.bonds[name] = nil
                lost.append("\(name) could not be restored: this host has no nic \(missing)")
                continue
            }
            lost.append("\(name) is restored without \(missing), which this host does not have")
            kept.bonds[name]?.nics = nics
            if let primary = BondOption.byName["primary"], !nics.contains(bond.options[primary]) {
                kept.bonds[name]?.options[primary] = primary.standard
            }
        }
        for (name, network) in networks.sorted(by: { $0.key < $1.key }) {
            let isThere =
                switch network.southbound {
                case nil: true
                case .nic(let nic)?: state.links[nic]?.isNIC == true
                case .bonding(let bond)?: kept.bonds[bond] != nil || state.links[bond]?.isBond == true
                }
            guard !isThere else { continue }
            kept.networks[name] = nil
            lost.append("\(name) could not be restored: this host has no \(network.southbound?.link ?? "")")
        }
        return (kept, lost)
    }
}

extension NetworkChange {
    /// Everything that was committed, in the place of what stands. Bonds of ours that were not committed stay.
    package init(restoring kept: OwnedNetworks, instead owned: OwnedNetworks = OwnedNetworks()) {
        self.init(
            wanted: kept.networks.values.sorted { $0.name < $1.name },
            removed: owned.networks.values.filter { kept.networks[$0.name] == nil }.sorted { $0.name < $1.name },
            wantedBonds: kept.bonds.values.sorted { $0.name < $1.name },
            desired: OwnedNetworks(
                networks: kept.networks,
                bonds: owned.bonds.merging(kept.bonds) { $1 },
                virtualFunctions: owned.virtualFunctions.merging(kept.virtualFunctions) { $1 }
            )
        )
    }

    /// The same in parts that do not need each other to succeed, in their order, each with the name of what it is about.
    package var parts: [(name: String, change: NetworkChange)] {
        func part(
            wanted: [WantedNetwork] = [],
            removed: [WantedNetwork] = [],
            bonds: [WantedBond] = []
        ) -> NetworkChange {
            NetworkChange(wanted: wanted, removed: removed, wantedBonds: bonds, desired: OwnedNetworks())
        }
        return removed.map { ("the end of \($0.name)", part(removed: [$0])) }
            + wantedBonds.map { ($0.name, part(bonds: [$0])) } + wanted.map { ($0.name, part(wanted: [$0])) }
    }

    /// A part, with what stands beside it.
    package func over(_ owned: OwnedNetworks) -> NetworkChange {
        var change = self
        change.desired = owned
        for network in removed { change.desired.networks[network.name] = nil }
        for network in wanted { change.desired.networks[network.name] = network }
        for bond in wantedBonds { change.desired.bonds[bond.name] = bond }
        return change
    }
}
