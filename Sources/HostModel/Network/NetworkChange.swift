/// A whole setupNetworks call, parsed and checked against the host: what there is to do can not be wrong any more.
package struct NetworkChange: Hashable, Sendable {
    /// Networks to make or to change, by name.
    package var wanted: [WantedNetwork]
    /// Owned networks to take away, by name.
    package var removed: [WantedNetwork]
    /// Every network that is to stand afterwards, by name.
    package var desired: [String: WantedNetwork]

    /// The most networks of one call.
    package static let networksMax = 256

    /// Checks in VDSM's order: links, then addresses, then what the networks are to each other (ovirt.md 6.3).
    package init(
        networks: [String: NetworkAttributes],
        bondings: [String: NetworkAttributes],
        owned: [String: WantedNetwork],
        state: NetworkState
    ) throws(NetworkRefusal) {
        guard networks.count <= Self.networksMax else {
            throw NetworkRefusal(.badParameters, "A call has at most \(Self.networksMax) networks")
        }
        if let bond = bondings.keys.min() {
            throw NetworkRefusal(.badBonding, "\(terminalEscaped(bond)): this agent can not change bonds yet")
        }
        (wanted, removed, desired) = ([], [], owned)
        for (name, attributes) in networks.sorted(by: { $0.key < $1.key }) {
            if attributes["remove"]?.boolean == true {
                removed.append(try Self.removal(name, attributes, owned))
                desired[name] = nil
            } else {
                let network = try WantedNetwork(name: name, attributes: attributes)
                try Self.check(network, state, owned)
                wanted.append(network)
                desired[name] = network
            }
        }
        try yieldDefaultRoute()
        try checkSouthbounds()
    }

    private static func removal(
        _ name: String,
        _ attributes: NetworkAttributes,
        _ owned: [String: WantedNetwork]
    ) throws(NetworkRefusal) -> WantedNetwork {
        guard let network = owned[name] else {
            throw NetworkRefusal(.badBridge, "There is no network \(terminalEscaped(name)) to remove")
        }
        guard attributes.values.keys.allSatisfy({ $0 == "remove" || $0 == "custom" }) else {
            throw NetworkRefusal(.badParameters, "\(name): remove takes no other attributes")
        }
        return network
    }

    private static func check(
        _ network: WantedNetwork,
        _ state: NetworkState,
        _ owned: [String: WantedNetwork]
    ) throws(NetworkRefusal) {
        switch network.southbound {
        case nil: break
        case .nic(let nic)?:
            guard let link = state.links[nic], link.isNIC else {
                throw NetworkRefusal(.badNIC, "Network \(network.name): this host has no nic \(terminalEscaped(nic))")
            }
            try checkMaster(link, network, owned)
        case .bonding(let bond)?:
            guard let link = state.links[bond], link.kind == .bond else {
                throw NetworkRefusal(.badBonding, "Network \(network.name): this host has no bonding \(bond)")
            }
            try checkMaster(link, network, owned)
        }
        guard network.bridged, let existing = state.links[network.name], !existing.isBridge else { return }
        throw NetworkRefusal(.badBridge, "\(network.name) is the name of a link that is no bridge; choose another name")
    }

    private static func checkMaster(
        _ link: LinkState,
        _ network: WantedNetwork,
        _ owned: [String: WantedNetwork]
    ) throws(NetworkRefusal) {
        guard let master = link.master, master != network.name, owned[master] == nil else { return }
        throw NetworkRefusal(.usedNIC, "\(link.name) is a port of \(master), which no network owns; take it out first")
    }

    /// One network has the default route: a second one in the call is an error, an owned one that had it loses it.
    private mutating func yieldDefaultRoute() throws(NetworkRefusal) {
        let holders = wanted.filter(\.defaultRoute)
        guard holders.count <= 1 else {
            let names = holders.map(\.name).joined(separator: ", ")
            throw NetworkRefusal(.badParameters, "Only one network can have the default route: \(names)")
        }
        guard let holder = holders.first else { return }
        for (name, network) in desired where network.defaultRoute && name != holder.name {
            desired[name]?.defaultRoute = false
            desired[name]?.nameservers = []
            if let changed = desired[name] { wanted.append(changed) }
        }
    }

    /// A device carries one network, and a bridge's port only one bridge.
    private func checkSouthbounds() throws(NetworkRefusal) {
        var carriers: [String: String] = [:]
        for network in desired.values.sorted(by: { $0.name < $1.name }) {
            guard let device = network.device else { continue }
            if let other = carriers.updateValue(network.name, forKey: device) {
                throw NetworkRefusal(.badParameters, "Networks \(other) and \(network.name) both stand on \(device)")
            }
        }
    }
}
