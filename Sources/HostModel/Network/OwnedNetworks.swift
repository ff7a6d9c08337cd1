/// The networks and bonds that the agent owns: VDSM's running or persistent configuration.
package struct OwnedNetworks: Hashable, Sendable {
    package var networks: [String: WantedNetwork]
    package var bonds: [String: WantedBond]
    /// How many virtual functions (SR-IOV) somebody asked for, by the nic whose they are.
    package var virtualFunctions: [String: Int]

    /// PCI counts them in sixteen bits.
    package static let virtualFunctionsMax = 65535

    package init(
        networks: [String: WantedNetwork] = [:],
        bonds: [String: WantedBond] = [:],
        virtualFunctions: [String: Int] = [:]
    ) {
        (self.networks, self.bonds, self.virtualFunctions) = (networks, bonds, virtualFunctions)
    }
}

/// One bond as it is wanted on this host: VDSM's attributes, parsed.
package struct WantedBond: Hashable, Sendable {
    package var name: String
    /// Sorted; at least one.
    package var nics: [String]
    package var options: BondOptions
    /// `nil`: that of the first nic, and the present one for as long as the bond stands.
    package var hwaddr: MACAddress?

    package init(name: String, nics: [String], options: BondOptions = BondOptions(), hwaddr: MACAddress? = nil) {
        (self.name, self.nics, self.options, self.hwaddr) = (name, nics.sorted(), options, hwaddr)
    }

    /// `^bond\w+$`
    package static func isName(_ name: String) -> Bool {
        name.hasPrefix("bond") && (5...LinkState.nameLengthMax).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
            }
    }

    /// The most nics of a bond.
    package static let nicsMax = 64

    package init(name: String, attributes: NetworkAttributes) throws(NetworkRefusal) {
        guard Self.isName(name) else {
            throw NetworkRefusal(.badBonding, NetworkRefusal.bond(name), "A bond is named bond…, as in bond0")
        }
        let nics = try Self.nics(name, attributes)
        let field = NetworkRefusal.bond(name, "options")
        let text = attributes["options"].map(\.text) ?? ""
        guard let text else { throw NetworkRefusal(.badBonding, field, "options is text, as in mode=1 miimon=100") }
        self.init(name: name, nics: nics, options: try BondOptions(parsing: text, of: field, slaves: nics))
        guard let value = attributes["hwaddr"] else { return }
        guard let mac = value.text.flatMap({ MACAddress($0) }), !mac.isMulticast, mac.rawValue != 0 else {
            throw NetworkRefusal(
                .badBonding,
                NetworkRefusal.bond(name, "hwaddr"),
                "hwaddr is an address like 52:54:00:12:34:56, not a group's"
            )
        }
        hwaddr = mac
    }

    private static func nics(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> [String] {
        let field = NetworkRefusal.bond(name, "nics")
        guard let value = attributes["nics"] else {
            throw NetworkRefusal(.badNIC, field, "The bond needs nics")
        }
        guard let list = value.list else { throw NetworkRefusal(.badParameters, field, "nics is a list of names") }
        guard !list.isEmpty else { throw NetworkRefusal(.badParameters, field, "A bond needs at least one nic") }
        let names = list.compactMap { $0.text.flatMap { LinkName($0) }?.rawValue }
        guard names.count == list.count else {
            throw NetworkRefusal(.badNIC, field, "nics has something that is no name of a link")
        }
        guard Set(names).count == names.count, names.count <= nicsMax else {
            throw NetworkRefusal(.badParameters, field, "nics names one twice, or more than \(nicsMax)")
        }
        return names
    }

    /// One that stands in the kernel and that nobody owns yet: as it is, with its address pinned.
    package init?(acquiring link: LinkState, slaves: [String]) {
        guard case .bond(let options) = link.kind, !slaves.isEmpty else { return nil }
        self.init(name: link.name, nics: slaves, options: options, hwaddr: link.mac)
    }
}
