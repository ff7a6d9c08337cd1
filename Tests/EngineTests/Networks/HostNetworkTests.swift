import AgentWire
import Foundation
import HostModel
import Synchronization
import Testing

@testable import Engine

/// Networks on hosts: what an order leaves out, what became of one that was cut off, and oVirt's own words.
@Suite struct HostNetworkTests {
    static let user = "admin@internal"

    static func network(
        _ engine: HostEngine,
        _ name: String,
        _ change: (inout NetworkOrder) -> Void = { _ in }
    ) async throws -> NetworkRecord {
        var order = NetworkOrder()
        order.name = name
        change(&order)
        return try await engine.addNetwork(order, by: user, correlation: nil)
    }

    static func attach(
        _ engine: HostEngine,
        _ line: ImageWorkTests.Line,
        _ change: (inout NetworkAttachmentOrder) -> Void = { _ in }
    ) async throws -> JSONValue? {
        var order = NetworkAttachmentOrder(network: "red")
        change(&order)
        try await engine.attach(order, to: line.host, by: user, correlation: nil)
        return line.agent.state.withLock { $0.setups.last?["networks"]?["red"] }
    }

    static func setUp(_ engine: HostEngine, _ line: ImageWorkTests.Line, _ json: String) async throws
        -> JSONValue?
    {
        let order = try JSONDecoder().decode(SetupNetworksResource.self, from: Data(json.utf8))
        try await engine.setupNetworks(order, on: line.host, by: user, correlation: nil)
        return line.agent.state.withLock(\.setups.last)
    }

    static func calls(_ line: ImageWorkTests.Line) -> Int { line.agent.state.withLock(\.setups.count) }

    @Test("what an order does not name stays as it is (R5)")
    func whatIsLeftOut() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            _ = try await Self.network(engine, "red") { ($0.vlan, $0.mtu) = (.init(id: "7"), "1400") }
            let first = try await Self.attach(engine, line) {
                ($0.host_nic, $0.address, $0.gateway) = ("eth0", "192.0.2.5/24", "192.0.2.1")
                $0.default_route = true
            }
            #expect(try await Self.attach(engine, line) == first, "all of it")
            #expect(first?["defaultRoute"] == "true" && first?["gateway"] == "192.0.2.1")
            // The gateway stays where it can be reached.
            var asked = try await Self.attach(engine, line) { $0.address = "192.0.2.6/24" }
            #expect(asked?["ipaddr"] == "192.0.2.6" && asked?["gateway"] == "192.0.2.1" && asked?["nic"] == "eth0")
            asked = try await Self.attach(engine, line) { $0.gateway = "192.0.2.9" }
            #expect(asked?["ipaddr"] == "192.0.2.6" && asked?["gateway"] == "192.0.2.9")
            asked = try await Self.attach(engine, line) { $0.default_route = false }
            #expect(asked?["defaultRoute"] == nil && asked?["gateway"] == "192.0.2.9")
            asked = try await Self.attach(engine, line) { $0.address = "198.51.100.6/24" }
            #expect(asked?["gateway"] == nil && asked?["nic"] == "eth0")
            asked = try await Self.attach(engine, line) { $0.address = "dhcp" }
            #expect(asked?["bootproto"] == "dhcp" && asked?["ipaddr"] == nil)
            asked = try await Self.attach(engine, line)
            #expect(asked?["bootproto"] == "dhcp" && asked?["nic"] == "eth0")
            asked = try await Self.attach(engine, line) { ($0.address, $0.host_nic) = ("none", "eth1") }
            #expect(asked?["bootproto"] == "none" && asked?["nic"] == "eth1")
            try await engine.detach("red", from: line.host, by: Self.user, correlation: nil)
            asked = try await Self.attach(engine, line) { $0.host_nic = "eth0" }
            #expect(asked?["bootproto"] == "none", "what was taken away is forgotten")
            // So is what the host has lost.
            let lost = #"{"removed_network_attachments": {"network_attachment": [{"network": {"name": "red"}}]}}"#
            for way in 1...2 {
                _ = try await Self.attach(engine, line) { ($0.host_nic, $0.address) = ("eth0", "dhcp") }
                line.agent.change { $0.capabilities.networks["red"] = nil }
                let count = Self.calls(line)
                if way == 1 {
                    try await engine.detach("red", from: line.host, by: Self.user, correlation: nil)
                } else {
                    _ = try await Self.setUp(engine, line, lost)
                }
                #expect(Self.calls(line) == count)
                #expect(try await Self.attach(engine, line) { $0.host_nic = "eth0" }?["bootproto"] == "none")
            }
            try await line.agent.stop()
        }
    }

    @Test("a change that was cut off and taken back is one that failed, though the network's name is there (R3)")
    func cutOff() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            _ = try await Self.network(engine, "red")
            let first = try await Self.attach(engine, line) { ($0.host_nic, $0.address) = ("eth0", "192.0.2.5/24") }
            line.agent.change { $0.setup = .breaksAndIsTakenBack }
            let error = await #expect(throws: EngineError.self) {
                try await Self.attach(engine, line) { $0.address = "192.0.2.6/24" }
            }
            let sentence = "ipv4_address of red is 192.0.2.5, not 192.0.2.6"
            #expect(error?.detail.contains(sentence) == true, "\(error?.detail ?? "")")
            for change: (inout NetworkAttachmentOrder) -> Void in [
                { $0.host_nic = "eth1" }, { $0.address = "dhcp" }, { $0.address = "none" },
                { $0.gateway = "192.0.2.1" },
            ] {
                await #expect(throws: EngineError.self) { try await Self.attach(engine, line, change) }
            }
            await #expect(throws: EngineError.self) {
                try await engine.detach("red", from: line.host, by: Self.user, correlation: nil)
            }
            line.agent.change { $0.setup = .breaksUntilConfirmed }
            #expect(try await Self.attach(engine, line) == first, "what failed is not what was ordered")
            #expect(try await engine.event(.hostNetworksFailed, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test("what was cut off and need not be kept is judged where the host says that it has ended")
    func cutOffUnkept() async throws {
        let installation = try await ImageWorkTests.installation { $0.monitoring.connectivityCheck = 2000 }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            _ = try await Self.network(engine, "red")
            let order =
                #"{"modified_network_attachments": {"network_attachment": [{"network": {"name": "red"}, "host_nic": {"name": "eth0"}}]}}"#
            line.agent.change { $0.setup = .breaksUntilConfirmed }
            let unsaid = await #expect(throws: EngineError.self) { try await Self.setUp(engine, line, order) }
            let sentence = unsaid?.detail ?? ""
            #expect(sentence.contains("does not say") || sentence.contains("not ended"), "\(sentence)")
            line.agent.change { ($0.saysChanging, $0.capabilities.networks["red"]) = (true, nil) }
            _ = try await Self.setUp(engine, line, order)
            line.agent.change { ($0.setup, $0.capabilities.networks["red"]) = (.breaksAndIsTakenBack, nil) }
            // Something else was not kept before.
            line.agent.change { $0.capabilities.netConfigDirty = "True" }
            let error = await #expect(throws: EngineError.self) {
                try await Self.attach(engine, line) { $0.host_nic = "eth1" }
            }
            #expect(error?.detail.contains("red is not there") == true, "\(error?.detail ?? "")")
            try await line.agent.stop()
        }
    }

    @Test("in sync is also a matter of the addresses that were ordered")
    func addresses() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            _ = try await Self.network(engine, "red")
            func differing() async throws -> [String] {
                let all = try await engine.networkAttachments(of: line.host)
                let red = try #require(all.first { $0.network.name == "red" })
                #expect(red.isInSync == red.attributes.allSatisfy(\.isInSync))
                return red.attributes.filter { !$0.isInSync }.map { "\($0.name) \($0.expected) \($0.actual)" }
            }
            _ = try await Self.attach(engine, line) {
                ($0.host_nic, $0.address, $0.gateway) = ("eth0", "192.0.2.5/24", "192.0.2.1")
            }
            #expect(try await differing() == [])
            func change(_ body: @Sendable (inout AddressReport) -> Void) {
                line.agent.change { state in
                    guard var address = state.capabilities.networks["red"]?.address else { return }
                    body(&address)
                    state.capabilities.networks["red"]?.address = address
                }
            }
            change { ($0.addr, $0.netmask, $0.ipv4addrs) = ("192.0.2.6", "255.255.0.0", ["192.0.2.6/16"]) }
            #expect(
                try await differing() == [
                    "ipv4_address 192.0.2.5 192.0.2.6", "ipv4_netmask 255.255.255.0 255.255.0.0",
                ]
            )
            change { $0.ipv4addrs = ["192.0.2.6/16", "192.0.2.5/24"] }
            #expect(try await differing() == [], "beside one of somebody else's")
            change { ($0.gateway, $0.ipv4defaultroute) = ("", true) }
            #expect(try await differing() == ["ipv4_gateway 192.0.2.1 none", "default_route false true"])
            change { ($0.dhcpv4, $0.gateway, $0.ipv4defaultroute) = (true, "192.0.2.1", false) }
            #expect(try await differing() == ["ipv4_boot_protocol static dhcp"])
            // Asked for again it is in sync again.
            _ = try await Self.attach(engine, line)
            #expect(try await differing() == [])
            let assignments = try await engine.networkAttachments(of: line.host).last?.assignments
            #expect(assignments?.map(\.assignment_method) == ["static", "none"])
            #expect(assignments?.first?.ip?.netmask == "255.255.255.0" && assignments?.last?.ip?.version == "v6")
            _ = try await Self.attach(engine, line) { ($0.address, $0.default_route) = ("dhcp", true) }
            #expect(try await differing() == [], "the lease is on its way")
            change { ($0.addr, $0.ipv4addrs) = ("192.0.2.77", ["192.0.2.77/24"]) }
            #expect(try await differing() == ["default_route true false"])
            change { ($0.ipv6addrs, $0.ipv4defaultroute) = (["fe80::1/64", "2001:db8::1/64"], true) }
            #expect(try await differing() == ["ipv6_boot_protocol none static"])
            try await line.agent.stop()
        }
    }

    @Test("setupnetworks: bonds, attachments with addresses, what is removed, and what is there already")
    func ovirtsWords() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let red = try await Self.network(engine, "red") { $0.vlan = .init(id: "7") }
            let order = #"""
                {"check_connectivity": "true", "connectivity_timeout": "60", "commit_on_success": true,
                 "modified_bonds": {"host_nic": [{"name": "bond0", "bonding": {
                   "options": {"option": [{"name": "mode", "type": "Dynamic link aggregation (802.3ad)", "value": "4"}]},
                   "slaves": {"host_nic": [{"name": "eth1"}, {"name": "eth2"}]}}}]},
                 "modified_network_attachments": {"network_attachment": {
                   "network": {"name": "red"}, "host_nic": {"name": "bond0"},
                   "properties": {"property": [{"name": "bridge_opts", "value": "multicast_snooping=0"}]},
                   "ip_address_assignments": {"ip_address_assignment": [
                     {"assignment_method": "static", "ip": {"address": "192.0.2.10", "netmask": "255.255.255.0",
                      "gateway": "192.0.2.1", "version": "v4"}},
                     {"assignment_method": "static", "ip": {"address": "2001:db8::5", "netmask": "64", "version": "v6"}}
                   ]}}}}
                """#
            let asked = try await Self.setUp(engine, line, order)
            #expect(asked?["bondings"]?["bond0"]?["options"] == "mode=4")
            #expect(asked?["bondings"]?["bond0"]?["nics"] == .array(["eth1", "eth2"]))
            let attributes = asked?["networks"]?["red"]
            #expect(attributes?["bonding"] == "bond0" && attributes?["nic"] == nil && attributes?["vlan"] == "7")
            #expect(attributes?["ipaddr"] == "192.0.2.10" && attributes?["gateway"] == "192.0.2.1")
            #expect(attributes?["ipv6addr"] == "2001:db8::5/64")
            #expect(attributes?["custom"]?["bridge_opts"] == "multicast_snooping=0")
            #expect(asked?["options"]?["connectivityTimeout"] == .integer(60))
            #expect(asked?["options"]?["commitOnSuccess"] == .boolean(true))
            let count = Self.calls(line)
            _ = try await Self.setUp(engine, line, order)
            _ = try await Self.setUp(engine, line, "{}")
            #expect(Self.calls(line) == count, "what is there already does not touch the host")
            // The way back; a slave less on the way.
            let fewer =
                #"{"modified_bonds": {"host_nic": {"name": "bond0", "bonding": {"slaves": {"host_nic": [{"id": "eth1"}]}}}}}"#
            let smaller = try await Self.setUp(engine, line, fewer)
            #expect(
                smaller?["bondings"]?["bond0"]
                    == .object(["nics": .array(["eth1"]), "options": "mode=4", "switch": "legacy"])
            )
            #expect(smaller?["options"]?["commitOnSuccess"] == .boolean(false), "unless it is asked for")
            let synchronized = #"{"synchronized_network_attachments": {"network_attachment": [{"id": "\#(red.id)"}]}}"#
            #expect(try await Self.setUp(engine, line, synchronized)?["networks"]?["red"] == attributes)
            let removal =
                #"{"removed_bonds": {"host_nic": [{"id": "bond0"}]}, "removed_network_attachments": {"network_attachment": [{"id": "\#(red.id)"}]}}"#
            let removed = try await Self.setUp(engine, line, removal)
            #expect(removed?["networks"]?["red"] == .object(["remove": "true"]))
            #expect(removed?["bondings"]?["bond0"] == .object(["remove": "true"]))
            try await line.agent.stop()
        }
    }

    @Test(
        "setupnetworks: what can not be is refused before the host hears of it",
        arguments: [
            #"{"modified_network_attachments": {"network_attachment": [{"network": {"name": "blue"}}]}}"#,
            #"{"removed_network_attachments": {"network_attachment": [{"network": {"name": "ovirtmgmt"}}]}}"#,
            #"{"modified_bonds": {"host_nic": [{"name": "bond0"}]}}"#,
            #"{"modified_bonds": {"host_nic": [{"name": "team0", "bonding": {"slaves": {"host_nic": [{"name": "eth1"}]}}}]}}"#,
            #"{"connectivity_timeout": 0}"#, #"{"removed_labels": {"network_label": [{"id": "none"}]}}"#,
            #"{"modified_labels": {"network_label": [{"id": "a b", "host_nic": {"name": "eth0"}}]}}"#,
            #"{"modified_labels": {"network_label": [{"id": "lab", "host_nic": {"name": "eth7"}}]}}"#,
            #"{"modified_network_attachments": {"network_attachment": [{"network": {"name": "ovirtmgmt"}, "ip_address_assignments": {"ip_address_assignment": [{"assignment_method": "static"}]}}]}}"#,
        ]
    )
    func refuses(json: String) async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let count = Self.calls(line)
            await #expect(throws: EngineError.self) { try await Self.setUp(engine, line, json) }
            #expect(Self.calls(line) == count)
            try await line.agent.stop()
        }
    }

    @Test("a bond is held against its slaves and options")
    func bondDeviations() {
        var host = HostCapabilities()
        let report = BondReport(hwaddr: "", slaves: ["eth2", "eth1"], opts: ["mode": "4"], speed: 0, address: .init())
        host.bondings["bond0"] = report
        func deviation(_ values: [String: AttributeValue]) -> String? {
            SetupNetworksParameters(bondings: ["bond0": NetworkAttributes(values)]).deviation(on: host)
        }
        let nics = AttributeValue.list(["eth1", "eth2"])
        #expect(deviation(["nics": nics, "options": "mode=802.3ad"]) == nil)
        #expect(deviation(["nics": nics, "options": "mode=1"]) == "mode of bond0 is 4, not 1")
        #expect(
            deviation(["nics": nics, "options": "mode=4 lacp_rate=fast"])
                == "lacp_rate of bond0 is standard, not 1"
        )
        #expect(deviation(["nics": .list(["eth1"]), "options": "mode=4"]) == "bond0 has eth1, eth2, not eth1")
        #expect(deviation(["remove": "true"]) == "bond0 is still there")
        host.bondings = [:]
        #expect(deviation(["nics": nics]) == "bond0 is not there" && deviation(["remove": "true"]) == nil)
    }

    @Test("a network that the engine never ordered is kept as the host reports it")
    func reported() throws {
        let network = NetworkRecord(
            id: .random(),
            name: "red",
            description: "",
            dataCenter: .random(),
            mtu: 0,
            vlan: 7,
            usages: ["vm"],
            isRequired: false
        )
        var (host, address) = (HostCapabilities(), AddressReport())
        (address.addr, address.netmask, address.gateway) = ("192.0.2.5", "255.255.255.0", "192.0.2.1")
        (address.ipv4defaultroute, address.ipv6addrs) = (true, ["fe80::5/64", "2001:db8::5/64"])
        address.ipv6gateway = "fe80::1"
        host.bondings["bond0"] = BondReport(hwaddr: "", slaves: [], opts: [:], speed: 0, address: AddressReport())
        host.vlans["bond0.7"] = VLANReport(iface: "bond0", vlanid: 7, address: AddressReport())
        var report = NetworkReport(
            iface: "red",
            bridged: true,
            southbound: "bond0.7",
            ports: ["bond0.7"],
            address: address
        )
        (report.vlanid, report.stp, report.hostQos) = (
            7, "on", .object(["out": .object(["ls": .object(["m2": .integer(8000)])])])
        )
        host.networks["red"] = report
        let attributes = AttachedNetwork(network, ordered: nil, on: host).attributes
        let wanted = try WantedNetwork(name: "red", attributes: attributes)
        #expect(wanted.southbound == .bonding("bond0") && wanted.vlan == 7 && wanted.stp && wanted.defaultRoute)
        #expect(
            wanted.addressing == .fixed(try #require(IPv4Network("192.0.2.5/24")), gateway: IPv4Address("192.0.2.1"))
        )
        #expect(wanted.addressing6.address == IPv6Network("2001:db8::5/64"))
        #expect(wanted.addressing6.gateway == IPv6Address("fe80::1"))
        #expect(wanted.hostQoS?.linkShare?.m2 == 8000)
        let call = SetupNetworksParameters(networks: ["red": attributes])
        #expect(call.deviation(on: host) == nil)
        host.networks["red"]?.hostQos = nil
        #expect(call.deviation(on: host)?.hasPrefix("hostQos of red is none") == true)
    }
}
