import AgentWire
import HostModel
import Testing

@testable import Simulation

/// What a simulated host was ordered it reports, and what makes no sense it refuses as a host does.
@Suite struct SimulatedNetworksTests {
    private static func host(_ networks: SimulatedNetworks) -> HostCapabilities {
        var host = HostCapabilities()
        host.nics["eth1"] = NICReport(hwaddr: "02:00:00:00:00:01", speed: 10_000, address: AddressReport())
        networks.add(to: &host)
        return host
    }

    private static func change(
        _ networks: [String: [String: AttributeValue]],
        bonds: [String: [String: AttributeValue]] = [:]
    ) -> SetupNetworksParameters {
        SetupNetworksParameters(
            networks: networks.mapValues { NetworkAttributes($0) },
            bondings: bonds.mapValues { NetworkAttributes($0) }
        )
    }

    @Test func ordersAreReportedUntilTheyAreTakenAway() throws {
        var networks = SimulatedNetworks()
        let order = Self.change(
            ["red": ["bonding": "bond0", "vlan": "7", "bridged": "true", "bootproto": "dhcp", "mtu": "1400"]],
            bonds: ["bond0": ["nics": .list(["eth1", "eth2"]), "options": "mode=1 miimon=50"]]
        )
        try networks.take(order)
        let host = Self.host(networks)
        #expect(host.bondings["bond0"]?.slaves == ["eth1", "eth2"] && host.bondings["bond0"]?.opts["miimon"] == "50")
        #expect(host.networks["red"]?.southbound == "bond0.7" && host.vlans["bond0.7"]?.iface == "bond0")
        #expect(host.networks["red"]?.address.dhcpv4 == true && host.networks["red"]?.address.mtu == "1400")
        try networks.take(Self.change(["red": ["remove": "true"]], bonds: ["bond0": ["remove": "true"]]))
        #expect(Self.host(networks).networks.isEmpty && Self.host(networks).bondings.isEmpty)
    }

    @Test(
        "refusals",
        arguments: [
            change(["red": ["nic": "eth9", "bridged": "true"]]),
            change(["red": ["bonding": "bond3", "bridged": "true"]]),
            change([:], bonds: ["bond0": ["nics": .list(["eth42"])]]), change(["red": ["nic": "eth1", "vlan": "x"]]),
        ]
    )
    func refusals(_ change: SetupNetworksParameters) {
        var networks = SimulatedNetworks()
        #expect(throws: RPCError.self) { try networks.take(change) }
        #expect(Self.host(networks).networks.isEmpty && Self.host(networks).bondings.isEmpty)
    }
}
