// What a call may ask of this host: the rules of ovirt.md 6.3 that need its links and the networks that stand.

/// The rules of links.
struct NetworkCheck {
    private let change: NetworkChange
    private let owned: OwnedNetworks
    private let state: NetworkState
    private let networks: [String: NetworkAttributes]
    private let bondings: [String: NetworkAttributes]
    /// Names of the VLAN devices on a link.
    private let vlans: [String: [String]]
    private let ownedDevices: Set<String>

    init(
        _ change: NetworkChange,
        owned: OwnedNetworks,
        state: NetworkState,
        networks: [String: NetworkAttributes],
        bondings: [String: NetworkAttributes]
    ) {
        (self.change, self.owned, self.state) = (change, owned, state)
        (self.networks, self.bondings) = (networks, bondings)
        var vlans: [String: [String]] = [:]
        for link in state.links.values {
            if let base = link.vlanBase { vlans[base, default: []].append(link.name) }
        }
        self.vlans = vlans
        ownedDevices = Set(owned.networks.values.compactMap(\.device))
    }

    func check() throws(NetworkRefusal) {
        for bond in change.wantedBonds { try check(bond) }
        for network in change.wanted { try check(network) }
        try checkUses()
        try checkSouthbounds()
    }

    private func check(_ bond: WantedBond) throws(NetworkRefusal) {
        if let link = state.links[bond.name], !link.isBond {
            throw NetworkRefusal(
                .badBonding,
                NetworkRefusal.bond(bond.name),
                "\(bond.name) is the name of a link that is no bond"
            )
        }
        let field = NetworkRefusal.bond(bond.name, "nics")
        for nic in bond.nics {
            guard let link = state.links[nic], link.isNIC else {
                throw NetworkRefusal(.badNIC, field, "This host has no nic \(nic)")
            }
            if let master = link.master, master != bond.name, !isReleased(nic, by: master) {
                throw NetworkRefusal(.usedNIC, field, "\(nic) is a port of \(master); take it out first")
            }
            for vlan in vlans[nic] ?? [] where !ownedDevices.contains(vlan) {
                throw NetworkRefusal(.usedNIC, field, "\(nic) carries the VLAN \(vlan), which no network owns")
            }
        }
    }

    /// Whether a port is free after the change: its bridge or bond is ours, or named in the call.
    private func isReleased(_ nic: String, by master: String) -> Bool {
        if let network = owned.networks[master], network.bridged, network.device == nic {
            return change.desired.networks[master]?.device != nic
        }
        let isKnown = owned.bonds[master] != nil || bondings[master] != nil
        return isKnown && change.desired.bonds[master]?.nics.contains(nic) != true
    }

    private func check(_ network: WantedNetwork) throws(NetworkRefusal) {
        switch network.southbound {
        case nil: break
        case .nic(let nic)?:
            let field = NetworkRefusal.network(network.name, "nic")
            guard let link = state.links[nic], link.isNIC else {
                throw NetworkRefusal(.badNIC, field, "This host has no nic \(terminalEscaped(nic))")
            }
            try checkMaster(link, network, field)
            if let most = link.mtuMax, most > 0, network.mtu > most {
                throw NetworkRefusal(
                    .badParameters,
                    NetworkRefusal.network(network.name, "mtu"),
                    "\(nic) carries at most \(most) octets"
                )
            }
        case .bonding(let bond)?: try checkBond(bond, network)
        }
        try checkVLAN(network)
        if network.hostQoS != nil, let kind = network.southbound.flatMap({ state.links[$0.link]?.strangersQdisc }) {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(network.name, "hostQos"),
                "\(network.southbound?.link ?? "") has a queueing discipline of somebody else (\(terminalEscaped(kind))); remove it"
            )
        }
        // Judged with the links, as addresses are not read yet.
        if network.mtu < LinkState.ipv6MTUMin, let asked = networks[network.name], asked["ipv6addr"] != nil {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(network.name, "mtu"),
                "IPv6 needs an mtu of at least \(LinkState.ipv6MTUMin)"
            )
        }
        guard network.bridged, let existing = state.links[network.name], !existing.isBridge else { return }
        throw NetworkRefusal(
            .badBridge,
            NetworkRefusal.network(network.name),
            "\(network.name) is the name of a link that is no bridge; choose another name"
        )
    }

    private func checkBond(_ bond: String, _ network: WantedNetwork) throws(NetworkRefusal) {
        let field = NetworkRefusal.network(network.name, "bonding")
        if change.removedBonds.contains(where: { $0.name == bond }) {
            throw NetworkRefusal(.usedBond, NetworkRefusal.bond(bond), "\(network.name) stands on it")
        }
        if let link = state.links[bond], link.isBond { return try checkMaster(link, network, field) }
        guard change.desired.bonds[bond] != nil else {
            throw NetworkRefusal(.badBonding, field, "This host has no bond \(bond), and the call makes none")
        }
    }

    private func checkMaster(_ link: LinkState, _ network: WantedNetwork, _ field: String) throws(NetworkRefusal) {
        guard let master = link.master, master != network.name else { return }
        guard owned.networks[master] == nil, owned.bonds[master] == nil, bondings[master] == nil else { return }
        throw NetworkRefusal(.usedNIC, field, "\(link.name) is a port of \(master), which no network owns; take it out")
    }

    private func checkVLAN(_ network: WantedNetwork) throws(NetworkRefusal) {
        guard let id = network.vlan, let device = network.device, let base = network.southbound?.link else { return }
        let field = NetworkRefusal.network(network.name, "vlan")
        let kind = LinkKind.vlan(base: base, id: id)
        if let link = state.links[device], link.kind != kind {
            throw NetworkRefusal(.badVLAN, field, "\(device) is the name of another link")
        }
        for name in vlans[base] ?? [] where name != device {
            guard let link = state.links[name], link.kind == kind, let master = link.master else { continue }
            guard owned.networks[master] == nil else { continue }
            throw NetworkRefusal(.badVLAN, field, "\(base) has this VLAN as \(name), a port of \(master)")
        }
    }

    /// A nic is a slave of one bond, or carries networks; and a bond that goes carries none.
    private func checkUses() throws(NetworkRefusal) {
        var slaves: [String: String] = [:]
        for bond in change.desired.bonds.values.sorted(by: { $0.name < $1.name }) {
            for nic in bond.nics {
                guard let other = slaves.updateValue(bond.name, forKey: nic) else { continue }
                let asked = bondings[bond.name] == nil ? other : bond.name
                throw NetworkRefusal(
                    .usedNIC,
                    NetworkRefusal.bond(asked, "nics"),
                    "\(nic) has multiple uses: in \(other) and \(bond.name)"
                )
            }
        }
        let gone = Set(change.removedBonds.map(\.name))
        for network in change.desired.networks.values.sorted(by: { $0.name < $1.name }) {
            switch network.southbound {
            case .nic(let nic)?:
                guard let bond = slaves[nic] else { continue }
                let field =
                    networks[network.name] == nil
                    ? NetworkRefusal.bond(bond, "nics") : NetworkRefusal.network(network.name, "nic")
                throw NetworkRefusal(.usedNIC, field, "\(nic) has multiple uses: in \(bond) and \(network.name)")
            case .bonding(let bond)? where gone.contains(bond):
                throw NetworkRefusal(.usedBond, NetworkRefusal.bond(bond), "\(network.name) stands on it")
            case .bonding, nil: continue
            }
        }
    }

    /// A device carries one network.
    private func checkSouthbounds() throws(NetworkRefusal) {
        var carriers: [String: String] = [:]
        for network in change.desired.networks.values.sorted(by: { $0.name < $1.name }) {
            guard let device = network.device else { continue }
            guard let other = carriers.updateValue(network.name, forKey: device) else { continue }
            let asked = networks[network.name] == nil ? other : network.name
            let key = network.vlan != nil ? "vlan" : network.southbound == .nic(device) ? "nic" : "bonding"
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(asked, key),
                "\(other) and \(network.name) both stand on \(device)"
            )
        }
    }
}

/// The rules of the switch: the last that VDSM judges. This agent has the kernel's own bridges only.
struct SwitchCheck {
    private var kinds: [(field: String, kind: String)] = []
    private var removals = 0
    private var isWhole: Bool

    init(networks: [String: NetworkAttributes], bondings: [String: NetworkAttributes], owned: OwnedNetworks) {
        isWhole =
            owned.networks.keys.allSatisfy { networks[$0] != nil }
            && owned.bonds.keys.allSatisfy { bondings[$0] != nil }
        func fields(_ entities: [String: NetworkAttributes], _ field: (String) -> String) -> [(String, String)] {
            entities.sorted { $0.key < $1.key }.filter { $0.value["remove"]?.boolean != true }
                .map { (field($0.key), $0.value["switch"].map { $0.text ?? "?" } ?? "legacy") }
        }
        kinds =
            fields(networks) { NetworkRefusal.network($0, "switch") }
            + fields(bondings) { NetworkRefusal.bond($0, "switch") }
        removals = networks.count + bondings.count - kinds.count
    }

    func check() throws(NetworkRefusal) {
        for (field, kind) in kinds where kind != "legacy" && kind != "ovs" {
            throw NetworkRefusal(.badParameters, field, "switch is legacy or ovs")
        }
        guard let ovs = kinds.first(where: { $0.kind == "ovs" }) else { return }
        if let other = kinds.first(where: { $0.kind == "legacy" }) {
            throw NetworkRefusal(.badParameters, other.field, "A call has one kind of switch, and \(ovs.field) is ovs")
        }
        guard isWhole, removals == 0 else {
            throw NetworkRefusal(
                .badParameters,
                ovs.field,
                "A change of the switch names every network and bond of the host, and removes none"
            )
        }
        throw NetworkRefusal(.ovsConnection, ovs.field, "This host has no Open vSwitch; use switch legacy")
    }
}
