/// A whole setupNetworks call, parsed and checked against the host: what there is to do can not be wrong any more.
package struct NetworkChange: Hashable, Sendable {
    /// Networks to make or to change, by name.
    package private(set) var wanted: [WantedNetwork] = []
    /// Owned networks to take away, by name.
    package private(set) var removed: [WantedNetwork] = []
    /// Bonds to make or to change, by name; also those that a network of the call stands on and that nobody owned.
    package private(set) var wantedBonds: [WantedBond] = []
    /// Bonds to take away, by name.
    package private(set) var removedBonds: [WantedBond] = []
    /// Everything that is to stand afterwards.
    package internal(set) var desired: OwnedNetworks

    /// The most networks, and the most bonds, of one call.
    package static let networksMax = 4096

    /// Checks in VDSM's order: links (names, bonds, VLANs), then addresses, then the switch (ovirt.md 6.3).
    package init(
        networks: [String: NetworkAttributes],
        bondings: [String: NetworkAttributes],
        owned: OwnedNetworks,
        state: NetworkState
    ) throws(NetworkRefusal) {
        for (key, count) in [("networks", networks.count), ("bondings", bondings.count)] where count > Self.networksMax
        {
            throw NetworkRefusal(.badParameters, key, "A call has at most \(Self.networksMax) of them")
        }
        desired = owned
        let ports = state.portsByMaster()
        try takeBonds(bondings, owned, state, ports)
        try takeNetworks(networks, owned)
        try acquireBonds(owned, state, ports)
        try NetworkCheck(self, owned: owned, state: state, networks: networks, bondings: bondings).check()
        for index in wanted.indices {
            guard let attributes = networks[wanted[index].name] else { continue }
            try wanted[index].readAddressing(attributes)
            fillNameservers(&wanted[index], attributes, state)
            desired.networks[wanted[index].name] = wanted[index]
        }
        try yieldDefaultRoute(networks)
        try SwitchCheck(networks: networks, bondings: bondings, owned: owned).check()
    }

    /// A change that needs no check, because what it asks for was asked for before.
    init(wanted: [WantedNetwork], removed: [WantedNetwork], wantedBonds: [WantedBond], desired: OwnedNetworks) {
        (self.wanted, self.removed, self.wantedBonds, self.desired) = (wanted, removed, wantedBonds, desired)
    }

    private mutating func takeBonds(
        _ bondings: [String: NetworkAttributes],
        _ owned: OwnedNetworks,
        _ state: NetworkState,
        _ ports: [String: [String]]
    ) throws(NetworkRefusal) {
        for (name, attributes) in bondings.sorted(by: { $0.key < $1.key }) {
            let link = state.links[name]
            if attributes["remove"]?.boolean == true {
                let known = owned.bonds[name] ?? link.flatMap { WantedBond(acquiring: $0, slaves: ports[name] ?? []) }
                guard let known else {
                    throw NetworkRefusal(.badBonding, NetworkRefusal.bond(name), "There is no such bond to remove")
                }
                try Self.checkRemoval(attributes, NetworkRefusal.bond(name))
                removedBonds.append(known)
                desired.bonds[name] = nil
            } else {
                var bond = try WantedBond(name: name, attributes: attributes)
                // The address of a bond that somebody else made, or that was once given, is kept.
                let isPinned = owned.bonds[name].map { $0.hwaddr != nil } ?? true
                if bond.hwaddr == nil, isPinned, let link, link.isBond { bond.hwaddr = link.mac }
                wantedBonds.append(bond)
                desired.bonds[name] = bond
            }
        }
    }

    private mutating func takeNetworks(
        _ networks: [String: NetworkAttributes],
        _ owned: OwnedNetworks
    ) throws(NetworkRefusal) {
        for (name, attributes) in networks.sorted(by: { $0.key < $1.key }) {
            if attributes["remove"]?.boolean == true {
                guard let network = owned.networks[name] else {
                    throw NetworkRefusal(
                        .badBridge,
                        NetworkRefusal.network(name),
                        "There is no such network to remove"
                    )
                }
                try Self.checkRemoval(attributes, NetworkRefusal.network(name))
                removed.append(network)
                desired.networks[name] = nil
            } else {
                let network = try WantedNetwork(name: name, links: attributes)
                wanted.append(network)
                desired.networks[name] = network
            }
        }
    }

    private static func checkRemoval(_ attributes: NetworkAttributes, _ field: String) throws(NetworkRefusal) {
        for key in attributes.values.keys.sorted() where key != "remove" && key != "custom" {
            throw NetworkRefusal(
                .badParameters,
                "\(field).\(terminalEscaped(key))",
                "remove takes no other attributes"
            )
        }
    }

    /// A bond that a network of the call stands on becomes ours as it is; one of ours that fell is made again.
    private mutating func acquireBonds(
        _ owned: OwnedNetworks,
        _ state: NetworkState,
        _ ports: [String: [String]]
    ) throws(NetworkRefusal) {
        let gone = Set(removedBonds.map(\.name))
        var names: Set<String> = []
        for network in wanted {
            guard case .bonding(let name)? = network.southbound, !gone.contains(name) else { continue }
            names.insert(name)
        }
        for name in names.subtracting(wantedBonds.map(\.name)).sorted() {
            let link = state.links[name]
            if let bond = owned.bonds[name] {
                if link == nil { wantedBonds.append(bond) }
                continue
            }
            guard let bond = link.flatMap({ WantedBond(acquiring: $0, slaves: ports[name] ?? []) }) else { continue }
            wantedBonds.append(bond)
            desired.bonds[name] = bond
        }
    }

    /// Without servers of its own the network with the default route keeps those that the host has; a lease brings its own.
    private func fillNameservers(_ network: inout WantedNetwork, _ attributes: NetworkAttributes, _ state: NetworkState)
    {
        guard network.defaultRoute, network.addressing != .dhcp, attributes["nameservers"] == nil else { return }
        network.nameservers = state.nameservers
    }

    /// One network has the default route: a second one in the call is an error, an owned one that had it loses it.
    private mutating func yieldDefaultRoute(_ networks: [String: NetworkAttributes]) throws(NetworkRefusal) {
        let holders = wanted.filter(\.defaultRoute)
        guard holders.count <= 1 else {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(holders[1].name, "defaultRoute"),
                "Only one network can have the default route, and \(holders[0].name) asks for it too"
            )
        }
        guard let holder = holders.first else { return }
        for (name, network) in desired.networks where network.defaultRoute && name != holder.name {
            desired.networks[name]?.defaultRoute = false
            desired.networks[name]?.nameservers = []
            if let changed = desired.networks[name] { wanted.append(changed) }
        }
    }
}
