import HostModel
import Testing

@Suite struct NICNamesTests {
    private static func card(_ name: String, _ number: UInt8, own: UInt8? = nil, master: String? = nil) -> LinkState {
        var link = LinkState(name: name, mac: MACAddress(octets: [2, 0, 0, 0, 0, number]), master: master)
        link.ownMAC = own.flatMap { MACAddress(octets: [2, 0, 0, 0, 0, $0]) }
        return link
    }

    private static func names(_ cards: [LinkState]) -> NICNames {
        var state = NetworkState()
        for card in cards { state.links[card.name] = card }
        return NICNames(state)
    }

    /// What eth0 of a host with the cards 1 and 2 is called with these cards.
    @Test(
        "F15: a name of then, now",
        arguments: [
            ([("eth0", 1), ("eth1", 2)], .same),
            ([("eth0", 2), ("eth1", 1)], .renamed("eth1")),
            ([("eth5", 1), ("eth1", 2)], .renamed("eth5")),
            ([("eth0", 2)], .taken(by: "eth1")),
            ([("eth0", 9), ("eth1", 2)], .same), ([("eth1", 2)], .same), ([], .same),
        ] as [([(String, UInt8)], NICNames.Place)]
    )
    func places(now: [(String, UInt8)], place: NICNames.Place) {
        let then = Self.names([Self.card("eth0", 1), Self.card("eth1", 2)])
        #expect(then.place(of: "eth0", in: Self.names(now.map { Self.card($0.0, $0.1) })) == place)
        #expect(NICNames().place(of: "eth0", in: then) == .same, "what nobody wrote down")
    }

    @Test("a bond's ports are known by the address that they have by themselves, and addresses that two share by none")
    func addresses() {
        let names = Self.names([
            Self.card("eth0", 1, own: 1, master: "bond0"), Self.card("eth1", 1, own: 2, master: "bond0"),
            Self.card("eth2", 3), Self.card("eth3", 3), Self.card("eth4", 4, master: "red"),
            Self.card("eth5", 5, master: "bond0"), LinkState(name: "bond0", kind: .bond(BondOptions())),
        ])
        #expect(names.addresses.keys.sorted() == ["eth0", "eth1", "eth4"])
    }

    @Test("networks and bonds follow their cards; those of a card that is gone stay away, and each is told")
    func follow() throws {
        let then = Self.names([Self.card("eth0", 1), Self.card("eth1", 2), Self.card("eth2", 3)])
        let now = Self.names([Self.card("eth0", 2), Self.card("eth2", 3)])
        var owned = OwnedNetworks()
        for (name, nic) in [("a", "eth0"), ("b", "eth1")] {
            owned.networks[name] = WantedNetwork(name: name, southbound: .nic(nic))
        }
        owned.bonds["bond0"] = WantedBond(name: "bond0", nics: ["eth0", "eth2"])
        owned.bonds["bond1"] = WantedBond(name: "bond1", nics: ["eth0"])
        let (moved, told) = owned.following(then, to: now)
        #expect(moved.networks.keys.sorted() == ["b"] && moved.networks["b"]?.southbound == .nic("eth0"))
        #expect(moved.bonds.mapValues(\.nics) == ["bond0": ["eth2"]])
        #expect(told.count == 2)
        #expect(owned.following(then, to: then).networks == owned)
    }
}
