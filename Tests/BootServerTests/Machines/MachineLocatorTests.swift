import BootWire
import HostModel
import Testing

@testable import BootServer

@Suite struct MachineLocatorTests {
    /// As Linux 6.1 writes it.
    private static let arp = """
        IP address       HW type     Flags       HW address            Mask     Device
        10.77.0.20       0x1         0x2         52:54:00:00:00:01     *        br0
        10.77.0.21       0x1         0x0         00:00:00:00:00:00     *        br0
        10.77.0.22       0x1         0x2         52:54:00:00:00:03     *        eth9
        10.77.0.23       0x20        0x2         52:54:00:00:00:04     *        br0
        10.77.0.24       0x1         0x6         52:54:00:00:00:05     *        br0
        10.77.0.2
        10.77.0.25       0x1         0x          zz                    *        br0
        """

    private static func address(_ last: UInt32) -> IPv4Address { IPv4Address(rawValue: 0x0A4D_0000 | last) }

    private static let neighbours = NeighbourTable(interface: "br0") { arp }

    @Test(
        arguments: [
            (20, "52:54:00:00:00:01"), (24, "52:54:00:00:00:05"), (2, nil), (21, nil), (22, nil), (23, nil), (25, nil),
            (26, nil),
        ] as [(UInt32, String?)]
    )
    func reads(last: UInt32, mac: String?) {
        #expect(Self.neighbours.machine(at: Self.address(last))?.description == mac)
    }

    @Test func readsTheKernelsOwn() {
        #expect(NeighbourTable(interface: "lo").machine(at: .loopback) == nil)
    }

    @Test("a neighbour is who it is on the wire; a lease says it of who was not heard")
    func asksNeighboursFirst() async throws {
        let directory = try TemporaryDirectory()
        let leases = try await LeaseStoreTests.open(directory)
        #expect(try await LeaseStoreTests.bind(leases, 9, 20) == .acknowledge)
        #expect(try await LeaseStoreTests.bind(leases, 8, 40) == .acknowledge)
        let network = try LeaseStoreTests.settings().network
        let locator = MachineLocator(neighbours: Self.neighbours, leases: leases, network: network)
        #expect(await locator.machine(at: Self.address(20))?.description == "52:54:00:00:00:01")
        let leased = try LeaseRecordTests.mac(8)
        #expect(await locator.machine(at: Self.address(40)) == leased)
        #expect(await locator.vouches(for: leased, at: Self.address(40)))
        #expect(await !locator.vouches(for: leased, at: Self.address(20)))
        #expect(await !locator.vouches(for: leased, at: Self.address(41)), "nobody knows that address")
        let abroad = IPv4Address(rawValue: 0xC000_0207)
        #expect(await !locator.vouches(for: leased, at: abroad), "who has no lease from here is nobody from here")
        let withoutDHCP = MachineLocator(neighbours: Self.neighbours, network: network)
        #expect(await withoutDHCP.vouches(for: leased, at: abroad))
        #expect(await !withoutDHCP.knows(leased, at: abroad), "what hands out a token needs to know")
        #expect(await locator.knows(leased, at: Self.address(40)))
        #expect(await !locator.knows(leased, at: Self.address(41)))
        #expect(await !withoutDHCP.vouches(for: leased, at: Self.address(41)))
        await leases.close()
    }
}
