import BootWire
import HostModel
import Testing

@Suite struct LeaseTableTests {
    static func address(_ last: UInt32) -> IPv4Address { IPv4Address(rawValue: 0x0A4D_0000 | last) }

    static func client(_ number: UInt8) throws -> LeaseClient {
        let mac = try #require(MACAddress(octets: [0x52, 0x54, 0, 0, 0, number]))
        return LeaseClient(key: .hardware(mac), mac: mac)
    }

    static func settings(pool: ClosedRange<UInt32> = 10...12) throws -> DHCPSettings {
        let network = try #require(IPv4Network(address(1), prefixLength: 24))
        return try DHCPSettings(
            server: address(1),
            network: network,
            pool: address(pool.lowerBound)...address(pool.upperBound),
            bootFiles: BootFiles(baseURL: "http://10.77.0.1")
        )
    }

    static func lease(_ last: UInt32, _ number: UInt8, _ state: Lease.State, _ expiry: Duration) throws -> LeaseChange {
        .set(Lease(address: address(last), client: try client(number), state: state, expiry: expiry))
    }

    @Test func givesEveryAddressOnceAndThenNone() throws {
        var table = try Self.settings().emptyLeaseTable()
        var given: Set<IPv4Address> = []
        for number: UInt8 in 1...3 {
            let client = try Self.client(number)
            let address = try #require(table.choose(for: client, requested: nil, at: .zero))
            given.insert(address)
            table.apply(.set(Lease(address: address, client: client, state: .offered, expiry: .seconds(60))))
        }
        #expect(given == [Self.address(10), Self.address(11), Self.address(12)])
        #expect(table.choose(for: try Self.client(4), requested: nil, at: .zero) == nil)
        #expect(table.choose(for: try Self.client(4), requested: nil, at: .seconds(60)) != nil, "offers end")
    }

    @Test func givesTheOldAddressAgain() throws {
        var table = try Self.settings().emptyLeaseTable()
        table.apply(try Self.lease(12, 1, .bound, .seconds(100)))
        let client = try Self.client(1)
        #expect(table.choose(for: client, requested: Self.address(11), at: .zero) == Self.address(12))
        #expect(table.choose(for: client, requested: nil, at: .seconds(500)) == Self.address(12))
        #expect(table.choose(for: try Self.client(2), requested: Self.address(11), at: .zero) == Self.address(11))
        #expect(table.choose(for: try Self.client(2), requested: Self.address(12), at: .zero) != Self.address(12))
    }

    @Test func takesTheAddressThatIsFreeForLongest() throws {
        var table = try Self.settings().emptyLeaseTable()
        table.apply(try Self.lease(10, 1, .bound, .seconds(30)))
        table.apply(try Self.lease(11, 2, .released, .seconds(10)))
        table.apply(try Self.lease(12, 3, .bound, .seconds(20)))
        #expect(table.choose(for: try Self.client(4), requested: nil, at: .seconds(25)) == Self.address(11))
        #expect(table.choose(for: try Self.client(4), requested: nil, at: .zero) == Self.address(11))
    }

    @Test("never the server, the router, the network or its broadcast address")
    func keepsOff() throws {
        var settings = try Self.settings(pool: 0...3)
        settings.router = Self.address(2)
        let table = settings.emptyLeaseTable()
        for number: UInt8 in 1...9 {
            #expect(
                table.choose(for: try Self.client(number), requested: Self.address(1), at: .zero) == Self.address(3)
            )
        }
    }

    @Test func keepsReservations() throws {
        let (one, two) = (try Self.client(1), try Self.client(2))
        var table = try Self.settings().emptyLeaseTable(reservations: [
            AddressReservation(mac: one.mac, address: Self.address(10)),
            AddressReservation(mac: two.mac, address: Self.address(99)),
        ])
        #expect(table.choose(for: one, requested: Self.address(11), at: .zero) == Self.address(10))
        #expect(table.choose(for: two, requested: nil, at: .zero) == Self.address(99), "outside the pool")
        #expect(table.choose(for: try Self.client(3), requested: Self.address(10), at: .zero) != Self.address(10))
        #expect(table.standing(of: Self.address(11), for: one, at: .zero) == .taken, "another is kept for it")
        #expect(table.standing(of: Self.address(99), for: one, at: .zero) == .taken)
        #expect(table.standing(of: Self.address(98), for: try Self.client(3), at: .zero) == .foreign)
        // Somebody else still has the reserved address: a dynamic one until it is free.
        table.apply(try Self.lease(10, 3, .bound, .seconds(50)))
        #expect(table.choose(for: one, requested: Self.address(11), at: .zero) == Self.address(11))
        #expect(table.standing(of: Self.address(11), for: one, at: .zero) == .free)
        #expect(table.standing(of: Self.address(10), for: try Self.client(3), at: .zero) == .taken, "not to be renewed")
    }

    @Test func refusesReservationsThatItCannotKeep() throws {
        let (one, two) = (try Self.client(1).mac, try Self.client(2).mac)
        var table = try Self.settings().emptyLeaseTable()
        let bad = [
            AddressReservation(mac: two, address: Self.address(10)),
            AddressReservation(mac: one, address: Self.address(11)),
            AddressReservation(mac: two, address: Self.address(1)),
            AddressReservation(mac: two, address: IPv4Address(rawValue: 0x0A00_0001)),
        ]
        #expect(table.keep([AddressReservation(mac: one, address: Self.address(10))] + bad) == bad)
    }

    @Test func keepsAwayFromQuarantine() throws {
        var table = try Self.settings(pool: 10...10).emptyLeaseTable()
        table.apply(try Self.lease(10, 1, .quarantined, .seconds(100)))
        #expect(table.choose(for: try Self.client(1), requested: Self.address(10), at: .zero) == nil)
        #expect(table.choose(for: try Self.client(2), requested: nil, at: .zero) == nil)
        #expect(table.choose(for: try Self.client(2), requested: nil, at: .seconds(100)) == Self.address(10))
    }

    @Test("a client has one address: a new one gives the old one back")
    func givesBackTheOldAddress() throws {
        var table = try Self.settings().emptyLeaseTable()
        table.apply(try Self.lease(10, 1, .bound, .seconds(100)))
        table.apply(try Self.lease(11, 1, .bound, .seconds(100)))
        #expect(table.lease(at: Self.address(10))?.state == .released)
        #expect(table.lease(of: try Self.client(1).key)?.address == Self.address(11))
        #expect(table.choose(for: try Self.client(2), requested: Self.address(10), at: .zero) == Self.address(10))
    }

    @Test func forgetsWithdrawnOffers() throws {
        var table = try Self.settings().emptyLeaseTable()
        table.apply(try Self.lease(10, 1, .offered, .seconds(100)))
        table.apply(.withdraw(Self.address(10)))
        #expect(table.leases.isEmpty)
        #expect(table.lease(of: try Self.client(1).key) == nil)
    }

    @Test("applying a change twice is applying it once")
    func isIdempotent() throws {
        var table = try Self.settings().emptyLeaseTable()
        for change in [
            try Self.lease(10, 1, .bound, .seconds(100)), try Self.lease(11, 1, .bound, .seconds(100)),
            try Self.lease(12, 2, .quarantined, .seconds(100)), try Self.lease(11, 1, .released, .zero),
            .withdraw(Self.address(12)),
        ] {
            table.apply(change)
            let once = table
            table.apply(change)
            #expect(table == once)
        }
    }

    @Test("D28: an address that another machine was seen with is not offered; seen with its own machine it is")
    func leavesHeldAddressesAlone() throws {
        var table = try Self.settings(pool: 10...11).emptyLeaseTable()
        let (one, two) = (try Self.client(1), try Self.client(2))
        let isFound = table.note(Self.address(10), heldBy: two.mac, at: .zero)
        #expect(isFound)
        let isFoundAgain = table.note(Self.address(10), heldBy: two.mac, at: .zero)
        #expect(!isFoundAgain, "said once")
        let isFoundByOther = table.note(Self.address(10), heldBy: try Self.client(3).mac, at: .zero)
        #expect(!isFoundByOther, "whoever else says it")
        let isFoundByFirst = table.note(Self.address(10), heldBy: two.mac, at: .zero)
        #expect(!isFoundByFirst)
        #expect(table.choose(for: one, requested: Self.address(10), at: .zero) == Self.address(11))
        #expect(table.standing(of: Self.address(10), for: two, at: .zero) == .free)
        #expect(table.held == [Self.address(10)])
        let isGone = table.note(Self.address(10), heldBy: nil, at: .zero)
        #expect(!isGone)
        #expect(table.choose(for: one, requested: Self.address(10), at: .zero) == Self.address(10), "free again")
        let isForeign = table.note(Self.address(99), heldBy: two.mac, at: .zero)
        #expect(!isForeign, "not of the pool")
    }

    @Test("D28: an address that is found held after its offer is not acknowledged; a lease that runs is left alone")
    func takesAnOfferBack() throws {
        var table = try Self.settings(pool: 10...11).emptyLeaseTable()
        let (one, two) = (try Self.client(1), try Self.client(2))
        table.apply(try Self.lease(10, 1, .offered, .seconds(10)))
        let isFound = table.note(Self.address(10), heldBy: two.mac, at: .zero)
        #expect(isFound)
        #expect(table.standing(of: Self.address(10), for: one, at: .zero) == .taken)
        table.apply(try Self.lease(10, 1, .bound, .seconds(100)))
        #expect(table.held.isEmpty)
        // Bonds and bridges answer with other hardware addresses.
        let isOfABond = table.note(Self.address(10), heldBy: two.mac, at: .zero)
        #expect(!isOfABond)
        #expect(table.standing(of: Self.address(10), for: one, at: .zero) == .own)
        let isFoundLater = table.note(Self.address(10), heldBy: two.mac, at: .seconds(200))
        #expect(isFoundLater, "its lease has ended")
        #expect(table.choose(for: one, requested: nil, at: .seconds(200)) == Self.address(11))
        table.keep([AddressReservation(mac: one.mac, address: Self.address(10))])
        #expect(table.choose(for: one, requested: nil, at: .seconds(200)) == Self.address(10), "kept is kept")
    }

    @Test("A22: who answers for every address keeps newcomers out of none: such an address is given at the very last")
    func givesHeldAddressesAtTheLast() throws {
        var table = try Self.settings(pool: 10...11).emptyLeaseTable()
        let (one, two, holder) = (try Self.client(1), try Self.client(2), try Self.client(9).mac)
        for last: UInt32 in 10...11 { _ = table.note(Self.address(last), heldBy: holder, at: .zero) }
        let first = try #require(table.choose(for: one, requested: nil, at: .zero))
        #expect(table.isContested(first, for: one, at: .zero))
        table.apply(.set(Lease(address: first, client: one, state: .offered, expiry: .seconds(10))))
        #expect(table.standing(of: first, for: one, at: .zero) == .own, "it is acknowledged, too")
        #expect(table.choose(for: one, requested: nil, at: .seconds(60)) == first, "and offered again")
        let second = try #require(table.choose(for: two, requested: first, at: .zero))
        #expect(second != first, "what is offered to one is not offered to another")
        _ = table.note(second, heldBy: nil, at: .zero)
        #expect(table.standing(of: first, for: one, at: .zero) == .taken, "there is a better one now")
        #expect(table.choose(for: one, requested: first, at: .zero) == second)
        table.apply(try Self.lease(11, 3, .bound, .seconds(100)))
        table.apply(try Self.lease(10, 4, .bound, .seconds(100)))
        #expect(table.choose(for: one, requested: nil, at: .zero) == nil, "a lease is a lease")
    }

    @Test func listsWhatNobodyHas() throws {
        var table = try Self.settings(pool: 0...12).emptyLeaseTable()
        table.apply(try Self.lease(10, 1, .bound, .seconds(100)))
        table.apply(try Self.lease(11, 2, .offered, .seconds(100)))
        #expect(table.unleased(at: .zero).map { $0.rawValue & 0xFF } == [2, 3, 4, 5, 6, 7, 8, 9, 12])
        #expect(table.unleased(at: .seconds(100)).count == 11)
    }
}
