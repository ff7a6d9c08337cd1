import AgentWire
import HostModel
import Testing

@testable import Engine

/// What is asked of a host so that its management address sits on `ovirtmgmt`.
@Suite struct ManagementNetworkTests {
    static func network(vlan: Int? = nil, mtu: Int = 0) -> NetworkRecord {
        NetworkRecord(
            id: .random(),
            name: "ovirtmgmt",
            description: "",
            dataCenter: .random(),
            mtu: mtu,
            vlan: vlan,
            usages: ["management", "vm"],
            isRequired: true
        )
    }

    static func staticAddress() -> AddressReport {
        var address = AddressReport()
        (address.addr, address.netmask, address.gateway) = ("10.0.0.5", "255.255.255.0", "10.0.0.1")
        return address
    }

    private func plan(
        _ host: HostCapabilities,
        _ network: NetworkRecord = network()
    ) throws(InstallFailure) -> ManagementNetworkPlan {
        try ManagementNetworkPlan(for: network, on: host, connectivityTimeout: 120)
    }

    private func attributes(_ plan: ManagementNetworkPlan) throws -> [String: String] {
        guard case .setUp(let parameters, _) = plan else { return [:] }
        #expect(parameters.options.connectivityCheck && parameters.options.commitOnSuccess)
        #expect(parameters.options.connectivityTimeout == 120)
        return try #require(parameters.networks["ovirtmgmt"]).values.compactMapValues(\.text)
    }

    @Test func keepsDHCP() throws {
        let plan = try plan(TestAgent.freshHost)
        #expect(
            try attributes(plan) == [
                "nic": "eth0", "bridged": "true", "STP": "no", "mtu": "1500", "bootproto": "dhcp",
                "defaultRoute": "true", "switch": "legacy",
            ]
        )
    }

    @Test func movesAStaticAddress() throws {
        var host = TestAgent.freshHost
        host.nics["eth0"]?.address = Self.staticAddress()
        let attributes = try attributes(try plan(host))
        #expect(attributes["bootproto"] == "none")
        #expect(attributes["ipaddr"] == "10.0.0.5")
        #expect(attributes["netmask"] == "255.255.255.0")
        #expect(attributes["gateway"] == "10.0.0.1")
    }

    @Test func goesOverABondAndItsVLAN() throws {
        var host = TestAgent.freshHost
        host.bondings["bond0"] = BondReport(
            hwaddr: "52:54:00:00:00:01",
            slaves: ["eth0", "eth1"],
            opts: ["mode": "1"],
            speed: 1000,
            address: AddressReport()
        )
        host.vlans["bond0.7"] = VLANReport(iface: "bond0", vlanid: 7, address: Self.staticAddress())
        host.lastClientIface = "bond0.7"
        let attributes = try attributes(try plan(host, Self.network(vlan: 7, mtu: 9000)))
        #expect(attributes["bonding"] == "bond0")
        #expect(attributes["nic"] == nil)
        #expect(attributes["vlan"] == "7")
        #expect(attributes["mtu"] == "9000")
        #expect(attributes["ipaddr"] == "10.0.0.5")
    }

    @Test func leavesWhatIsThere() throws {
        #expect(try plan(TestAgent.withManagementNetwork(TestAgent.freshHost)) == .alreadyThere)
    }

    @Test func waitsForAChangeThatIsUnderWay() throws {
        var host = TestAgent.withManagementNetwork(TestAgent.freshHost)
        host.netConfigDirty = "True"
        #expect(try plan(host) == .underWay(nil))
        host.networks = [:]
        guard case .underWay(let failure?) = try plan(host) else { throw Missing() }
        #expect(failure.code == .managementNetworkFailed)
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: EventCode
        var change: @Sendable (inout HostCapabilities) -> Void
    }

    @Test(arguments: [
        Refusal(testDescription: "a bridge that is not ours", code: .managementNetworkFailed) { host in
            host.bridges["br0"] = BridgeReport(ports: ["eth0"], stp: "off", opts: [:], address: AddressReport())
            host.lastClientIface = "br0"
        },
        Refusal(testDescription: "an unknown interface", code: .managementNetworkFailed) { $0.lastClientIface = "wg0" },
        Refusal(testDescription: "no interface", code: .managementNetworkFailed) { $0.lastClientIface = "" },
        Refusal(testDescription: "a VLAN that the network has not", code: .managementVLANDiffers) { host in
            host.vlans["eth0.9"] = VLANReport(iface: "eth0", vlanid: 9, address: AddressReport())
            host.lastClientIface = "eth0.9"
        },
        Refusal(testDescription: "a bond of one", code: .managementBondInvalid) { host in
            host.bondings["bond0"] = BondReport(
                hwaddr: "",
                slaves: ["eth0"],
                opts: [:],
                speed: 0,
                address: AddressReport()
            )
            host.lastClientIface = "bond0"
        },
        Refusal(testDescription: "no address", code: .managementNetworkFailed) { host in
            host.nics["eth0"]?.address = AddressReport()
        },
        Refusal(testDescription: "ovirtmgmt on another interface", code: .managementNetworkFailed) { host in
            host = TestAgent.withManagementNetwork(host)
            host.lastClientIface = "eth1"
        },
    ])
    func refuses(_ sample: Refusal) throws {
        var host = TestAgent.freshHost
        sample.change(&host)
        let failure = #expect(throws: InstallFailure.self) { try plan(host) }
        #expect(failure?.code == sample.code)
        #expect(failure?.remedy.isEmpty == false)
    }

    @Test func anInterfaceNameCannotMoveTheTerminal() throws {
        var host = TestAgent.freshHost
        host.lastClientIface = "\u{1B}[2J"
        let failure = #expect(throws: InstallFailure.self) { try plan(host) }
        #expect(failure?.reason.contains("\u{1B}") == false)
    }
}
