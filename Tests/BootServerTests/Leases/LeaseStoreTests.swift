import BootWire
import HostModel
import Synchronization
import Testing

@testable import BootServer

@Suite struct LeaseStoreTests {
    /// Clocks that a test sets.
    final class Clocks: Sendable {
        let now = Mutex(Duration.zero)
        let wall = Mutex(Int64(1_795_400_000))

        var clock: LeaseClock {
            LeaseClock(now: { self.now.withLock { $0 } }, wall: { self.wall.withLock { $0 } })
        }
    }

    static func settings(last: UInt32 = 254) throws -> DHCPSettings {
        let network = try #require(IPv4Network("10.77.0.1/24"))
        return try DHCPSettings(
            server: network.address,
            network: network,
            pool: IPv4Address(rawValue: 0x0A4D_000A)...IPv4Address(rawValue: 0x0A4D_0000 | last)
        )
    }

    static func open(_ directory: TemporaryDirectory, _ clocks: Clocks = Clocks()) async throws -> LeaseStore {
        try await LeaseStore.open(directory: "\(directory.path)/state", settings: settings(), clock: clocks.clock)
    }

    static func request(_ number: UInt8, _ address: UInt32) throws -> DHCPPacket {
        DHCPPacket(
            operation: .request,
            transactionID: 1,
            mac: try LeaseRecordTests.mac(number),
            options: [
                .messageType(.request), .serverIdentifier(IPv4Address(rawValue: 0x0A4D_0001)),
                .requestedAddress(IPv4Address(rawValue: 0x0A4D_0000 | address)),
            ]
        )
    }

    /// Takes an address, as a client does after the offer.
    static func bind(_ store: LeaseStore, _ number: UInt8, _ address: UInt32) async throws -> DHCPMessageType? {
        let responder = DHCPResponder(settings: try settings())
        let outcome = try await store.respond(to: try request(number, address), with: responder, verdict: .allowed)
        return outcome.reply?.packet.messageType
    }

    @Test("D29: what was acknowledged is there after a restart, and nothing else has its address")
    func remembers() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        #expect(try await Self.bind(store, 1, 20) == .acknowledge)
        #expect(try await Self.bind(store, 2, 21) == .acknowledge)
        await store.close()
        let again = try await Self.open(directory)
        #expect(await again.leases.map(\.address.rawValue) == [0x0A4D_0014, 0x0A4D_0015])
        #expect(await again.machine(at: IPv4Address(rawValue: 0x0A4D_0014)) == (try LeaseRecordTests.mac(1)))
        #expect(try await Self.bind(again, 3, 20) == .refuse)
        #expect(try await Self.bind(again, 1, 20) == .acknowledge)
    }

    @Test("the leases of every network are in one journal, also of a network that is away for a while")
    func remembersEveryNetwork() async throws {
        let directory = try TemporaryDirectory()
        func address(_ last: UInt32) -> IPv4Address { IPv4Address(rawValue: 0x0A4E_0000 | last) }
        let own = try Self.settings()
        let relayed = try DHCPSettings(
            server: own.server,
            relayed: try #require(IPv4Network(address(0), prefixLength: 24)),
            pool: address(10)...address(20),
            router: address(1)
        )
        func open(_ networks: DHCPNetworks) async throws -> LeaseStore {
            try await LeaseStore.open(directory: directory.path + "/state", networks: networks)
        }
        let store = try await open(DHCPNetworks(own, relayed: [relayed]))
        #expect(try await Self.bind(store, 1, 20) == .acknowledge)
        var far = try Self.request(2, 20)
        far.options = [.messageType(.request), .requestedAddress(address(10)), .serverIdentifier(own.server)]
        far.relayAddress = address(1)
        let outcome = try await store.respond(to: far, with: DHCPResponder(settings: relayed), verdict: .allowed)
        #expect(outcome.reply?.packet.messageType == .acknowledge)
        #expect(await store.machine(at: address(10)) == far.mac)
        let kept = AddressReservation(mac: try LeaseRecordTests.mac(3), address: address(11))
        let nowhere = AddressReservation(mac: try LeaseRecordTests.mac(4), address: IPv4Address(rawValue: 0x0B00_0001))
        #expect(await store.keep([kept, nowhere]) == [nowhere])
        await store.close()
        let without = try await open(DHCPNetworks(own))
        #expect(await without.leases.map(\.address) == [IPv4Address(rawValue: 0x0A4D_0014)])
        #expect(await without.machine(at: address(10)) == nil, "nobody has an address of a network that is not served")
        let (listed, _, count) = await without.listing(max: 9)
        #expect(listed.map(\.in_use) == [1] && count == 1)
        #expect(try await Self.bind(without, 5, 25) == .acknowledge)
        await without.close()
        let again = try await open(DHCPNetworks(own, relayed: [relayed]))
        #expect(await again.machine(at: address(10)) == far.mac)
        await again.close()
    }

    @Test("the list of leases tells states and ends by the wall's clock, and how full each pool is")
    func lists() async throws {
        let directory = try TemporaryDirectory()
        let clocks = Clocks()
        let store = try await Self.open(directory, clocks)
        #expect(try await Self.bind(store, 1, 20) == .acknowledge)
        #expect(try await Self.bind(store, 2, 21) == .acknowledge)
        let (networks, leases, count) = await store.listing(max: 1)
        #expect(networks.map(\.in_use) == [2] && networks.map(\.pool) == ["10.77.0.10-10.77.0.254"] && count == 2)
        #expect(leases.map(\.state) == ["bound"] && leases.map(\.expires) == [1_795_400_900])
        clocks.now.withLock { $0 = .seconds(1000) }
        #expect(await store.listing(max: 9).leases.map(\.state) == ["expired", "expired"])
        await store.close()
    }

    @Test("a closed store answers nothing more, keeps what it acknowledged, and closes once")
    func closes() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        let given = await withTaskGroup(of: UInt32?.self) { group in
            for number in UInt8(1)...100 {
                let address = UInt32(number) + 20
                group.addTask { (try? await Self.bind(store, number, address)) == .acknowledge ? address : nil }
            }
            group.addTask {
                await store.close()
                return nil
            }
            return await group.reduce(into: Set<UInt32>()) { given, address in if let address { given.insert(address) }
            }
        }
        await store.close()
        await #expect(throws: LeaseStoreError.self) { try await Self.bind(store, 101, 130) }
        let again = try await Self.open(directory)
        #expect(again.damagedLines == 0)
        #expect(given.isSubset(of: await again.leases.map { $0.address.rawValue & 0xFF }))
        await again.close()
    }

    @Test("an offer is not written: it ends with the process")
    func forgetsOffers() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        var packet = try Self.request(1, 20)
        packet.options = [.messageType(.discover)]
        let outcome = try await store.respond(
            to: packet,
            with: DHCPResponder(settings: try Self.settings()),
            verdict: .allowed
        )
        #expect(outcome.reply?.packet.messageType == .offer)
        #expect(try directory.read("state/leases.journal").isEmpty)
    }

    @Test("a storm shares its writes, and every acknowledged lease is on the disk")
    func commitsInGroups() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        try await withThrowingTaskGroup(of: DHCPMessageType?.self) { group in
            for number in UInt8(10)...209 { group.addTask { try await Self.bind(store, number, UInt32(number)) } }
            for try await type in group { #expect(type == .acknowledge) }
        }
        let (records, damaged) = LeaseRecord.records(in: try directory.read("state/leases.journal"))
        #expect(records.count == 200 && damaged == 0)
        #expect(Set(records.map(\.address)).count == 200)
    }

    @Test("two processes do not share a directory")
    func isAlone() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        await #expect(throws: LeaseStoreError.self) { try await Self.open(directory) }
        #expect(await store.leases.isEmpty)
    }

    @Test("D30: a torn last line costs nothing that was acknowledged, and is gone from the file")
    func mendsATornLine() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Self.open(directory)
        #expect(try await Self.bind(store, 1, 20) == .acknowledge)
        await store.close()
        let journal = try directory.read("state/leases.journal")
        try directory.write("state/leases.journal", journal + Array("12345678 1 bound 10.77".utf8))
        let again = try await Self.open(directory)
        #expect(again.damagedLines == 1)
        #expect(await again.leases.count == 1)
        #expect(LeaseRecord.records(in: try directory.read("state/leases.journal")).damaged == 0)
    }

    @Test("D31: the clock of the wall decides after a restart, but never for longer than the lease")
    func survivesClockJumps() async throws {
        for (jump, isActive) in [(Int64(-86_400), true), (0, true), (899, true), (86_400, false)] {
            let directory = try TemporaryDirectory()
            let clocks = Clocks()
            let store = try await Self.open(directory, clocks)
            #expect(try await Self.bind(store, 1, 20) == .acknowledge)
            await store.close()
            clocks.wall.withLock { $0 += jump }
            clocks.now.withLock { $0 = .seconds(5) }
            let again = try await Self.open(directory, clocks)
            let lease = try #require(await again.leases.first)
            #expect(lease.isActive(at: .seconds(5)) == isActive)
            #expect(lease.expiry <= .seconds(905))
        }
    }

    @Test("D31: while it runs, a jump of the wall's clock ends no lease")
    func ignoresTheWallWhileItRuns() async throws {
        let clocks = Clocks()
        let store = try await Self.open(try TemporaryDirectory(), clocks)
        #expect(try await Self.bind(store, 1, 20) == .acknowledge)
        clocks.wall.withLock { $0 += 1_000_000 }
        #expect(try await Self.bind(store, 2, 20) == .refuse)
        clocks.now.withLock { $0 = .seconds(3600) }
        #expect(try await Self.bind(store, 2, 20) == .acknowledge)
    }

    @Test("a journal grows only so far")
    func compacts() async throws {
        let directory = try TemporaryDirectory()
        let store = try await LeaseStore.open(
            directory: "\(directory.path)/state",
            settings: Self.settings(),
            compactionBytesMin: 2000
        )
        for _ in 0..<100 { #expect(try await Self.bind(store, 1, 20) == .acknowledge) }
        let journal = try directory.read("state/leases.journal")
        #expect(journal.count < 2200)
        #expect(LeaseRecord.records(in: journal).damaged == 0)
        #expect(await store.leases.count == 1)
    }

    @Test func saysWhyItCannotKeepLeases() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("state", [])
        await #expect {
            try await Self.open(directory)
        } throws: { error in
            "\(error)".contains("could not open the directory") && "\(error)".contains("give a writable directory")
        }
    }
}
