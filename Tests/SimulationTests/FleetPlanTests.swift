import HostModel
import Testing

@testable import Simulation

@Suite struct FleetPlanTests {
    @Test("every host has an address of its own, and is found by it")
    func addresses() throws {
        let network = try #require(IPv4Network("127.64.3.9/22"))
        let plan = try #require(FleetPlan(count: 1000, network: network))
        #expect("\(plan.address(of: 0))" == "127.64.0.1" && "\(plan.address(of: 999))" == "127.64.3.232")
        for host in [0, 1, 255, 999] { #expect(plan.host(at: plan.address(of: host)) == host) }
        for text in ["127.64.0.0", "127.64.3.233", "127.63.255.255", "10.0.0.1"] {
            let address = try #require(IPv4Address(text))
            #expect(plan.host(at: address) == nil)
        }
        #expect(plan.name(of: 0) == "sim-00001" && plan.name(of: 999) == "sim-01000")
    }

    @Test(
        "a network without room, and no hosts, are refused",
        arguments: [(0, 24), (255, 24), (1, 31), (100_001, 8), (1, 0)]
    )
    func refusals(count: Int, prefix: Int) throws {
        let network = try #require(IPv4Network(.loopback, prefixLength: prefix))
        #expect(FleetPlan(count: count, network: network) == nil)
    }

    @Test(
        "faults as they are written",
        arguments: [
            ("silent", SimulatedFault.silent, FaultOrder.Share.all), ("absent:3", .absent, .hosts(3)),
            ("slow=250:10%", .slow(milliseconds: 250), .percent(10)),
            ("wrong-certificate:1", .wrongCertificate, .hosts(1)),
            ("dies-in=setupNetworks:2", .diesIn("setupNetworks"), .hosts(2)), ("recovering", .recovering, .all),
            ("garbage:100%", .garbage, .percent(100)),
        ]
    )
    func faults(text: String, fault: SimulatedFault, share: FaultOrder.Share) throws {
        let order = try #require(FaultOrder(text))
        #expect(order.fault == fault && order.share == share)
    }

    @Test(
        "what is no fault",
        arguments: [
            "", "dead", "slow", "slow=0", "slow=600001", "silent=1", "silent:", "silent:0", "silent:0%", "silent:101%",
            "dies-in=", ":3",
        ]
    )
    func noFaults(text: String) { #expect(FaultOrder(text) == nil) }

    @Test("each order takes the first hosts that have none; a share beyond the fleet ends with it")
    func assignment() throws {
        let orders = try ["silent:2", "slow=5:50%", "absent:100"].map { try #require(FaultOrder($0)) }
        let faults = FaultOrder.assign(orders, to: 10)
        #expect((0..<2).allSatisfy { faults[$0] == .silent })
        #expect((2..<7).allSatisfy { faults[$0] == .slow(milliseconds: 5) })
        #expect((7..<10).allSatisfy { faults[$0] == .absent } && faults.count == 10)
    }

    @Test("a seed is a fleet: keys and hardware ids come back, and differ between hosts and seeds")
    func identities() throws {
        let network = try #require(IPv4Network("127.64.0.0/24"))
        var plan = try #require(FleetPlan(count: 3, network: network))
        func ids() throws -> [String] {
            try (0..<3).map { "\(try SimulatedHost($0, of: plan, fault: nil).hardwareID)" }
        }
        let first = try ids()
        #expect(Set(first).count == 3)
        #expect(try ids() == first)
        plan.seed = 2
        #expect(try Set(ids()).isDisjoint(with: first))
    }
}
