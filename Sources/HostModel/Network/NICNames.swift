/// Which network card stood behind each name when networks were committed. Names follow the order in which drivers find the
/// cards, and may change with the kernel; a card's own address does not.
package struct NICNames: Hashable, Sendable, Codable {
    /// By name. Cards that have no address by themselves are left out, and so are those that share one.
    package private(set) var addresses: [String: MACAddress] = [:]

    package init() {}

    /// The cards of a host as they are named now.
    package init(_ state: NetworkState) {
        let nics = state.links.values.filter(\.isNIC)
        let own = nics.compactMap { link in
            // A bond lends its ports an address; a bridge does not.
            let isLent = link.master.flatMap { state.links[$0]?.isBond } ?? false
            return (link.ownMAC ?? (isLent ? nil : link.mac)).map { (link.name, $0) }
        }
        let shared = Dictionary(grouping: own, by: \.1).filter { $0.value.count > 1 }.keys
        for (name, address) in own where !shared.contains(address) { addresses[name] = address }
    }

    /// What a name of then is called now.
    package enum Place: Hashable, Sendable {
        case same
        case renamed(String)
        /// The card is gone, and the name is another known card's now.
        case taken(by: String)
    }

    /// A card that nobody knew, under the name of one that is gone, takes its place: it was exchanged.
    package func place(of name: String, in now: NICNames) -> Place {
        guard let address = addresses[name], now.addresses[name] != address else { return .same }
        if let other = now.addresses.first(where: { $0.value == address })?.key { return .renamed(other) }
        let known = now.addresses[name].flatMap { present in addresses.first { $0.value == present }?.key }
        return known.map { .taken(by: $0) } ?? .same
    }
}

extension OwnedNetworks {
    /// These networks on the cards that they stood on when `then` was written, whatever those are called now; and a sentence
    /// for each card that has another name, or whose name another card has.
    package func following(_ then: NICNames, to now: NICNames) -> (networks: OwnedNetworks, told: [String]) {
        var (moved, told) = (self, [String: String]())
        func name(_ nic: String) -> String? {
            switch then.place(of: nic, in: now) {
            case .same: return nic
            case .renamed(let name):
                told[nic] = "the card that was \(nic) when its networks were committed is \(name) now; they follow it"
                return name
            case .taken(let other):
                told[nic] = "the card \(nic) is gone, and what has its name now was \(other): its networks stay away"
                return nil
            }
        }
        moved.virtualFunctions = [:]
        for (nic, count) in virtualFunctions { if let name = name(nic) { moved.virtualFunctions[name] = count } }
        for (bond, wanted) in bonds {
            moved.bonds[bond]?.nics = wanted.nics.compactMap(name).sorted()
            guard let primary = BondOption.byName["primary"], wanted.nics.contains(wanted.options[primary]) else {
                continue
            }
            moved.bonds[bond]?.options[primary] = name(wanted.options[primary]) ?? primary.standard
        }
        for (network, wanted) in networks {
            guard case .nic(let nic)? = wanted.southbound else { continue }
            if let name = name(nic) {
                moved.networks[network]?.southbound = .nic(name)
            } else {
                moved.networks[network] = nil
            }
        }
        for (bond, wanted) in moved.bonds where wanted.nics.isEmpty { moved.bonds[bond] = nil }
        return (moved, told.sorted { $0.key < $1.key }.map(\.value))
    }
}
