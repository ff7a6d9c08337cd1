import AgentWire
import HostModel
import NIOCore
import Synchronization
import Testing

@testable import Engine

/// Strangers among a host's networks, what is out of sync, and the networks of another host.
@Suite struct NetworkUpkeepTests {
    private static let user = "admin@internal"

    @Test("a network that the data center does not know is shown and taken away; ours are not among them")
    func unmanaged() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            line.agent.change { state in
                state.capabilities.networks["old"] = NetworkReport(
                    iface: "old",
                    bridged: true,
                    southbound: "eth0.9",
                    ports: ["eth0.9"],
                    address: AddressReport()
                )
                state.capabilities.vlans["eth0.9"] = VLANReport(iface: "eth0", vlanid: 9, address: AddressReport())
            }
            #expect(
                try await engine.unmanagedNetworks(of: line.host) == [UnmanagedNetwork(name: "old", device: "eth0")]
            )
            for name in ["ovirtmgmt", "nothing"] {
                let error = await #expect(throws: EngineError.self) {
                    try await engine.removeUnmanagedNetwork(name, from: line.host, by: Self.user, correlation: nil)
                }
                #expect(error?.kind == .notFound)
            }
            try await engine.removeUnmanagedNetwork("old", from: line.host, by: Self.user, correlation: nil)
            let asked = line.agent.state.withLock(\.setups.last)
            #expect(
                asked?["networks"]?["old"]?["remove"] == "true"
                    && asked?["options"]?["commitOnSuccess"] == .boolean(false)
            )
            #expect(try await engine.unmanagedNetworks(of: line.host).isEmpty)
            let event = try #require(try await engine.event(.hostNetworksChanged, host: line.host))
            #expect(event.text.contains("old"))
            try await line.agent.stop()
        }
    }

    @Test("what differs from the data center is made anew, and nothing else; a host in sync is not touched")
    func synchronize() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            for name in ["red", "blue"] { _ = try await HostNetworkTests.network(engine, name) }
            _ = try await HostNetworkTests.attach(engine, line) { ($0.host_nic, $0.address) = ("eth0", "192.0.2.5/24") }
            // The management network of this agent is not quite as the data center has it.
            try await engine.synchronizeNetworks(of: line.host, by: Self.user, correlation: nil)
            let count = HostNetworkTests.calls(line)
            try await engine.synchronizeNetworks(of: line.host, by: Self.user, correlation: nil)
            #expect(HostNetworkTests.calls(line) == count)
            line.agent.change { $0.capabilities.networks["red"]?.address.mtu = "9000" }
            try await engine.synchronizeNetworks(of: line.host, by: Self.user, correlation: nil)
            let asked = line.agent.state.withLock(\.setups.last)
            #expect(asked?["networks"]?.object?.keys.sorted() == ["red"])
            #expect(
                asked?["networks"]?["red"]?["ipaddr"] == "192.0.2.5" && asked?["networks"]?["red"]?["mtu"] == "1500"
            )
            try await engine.synchronizeNetworks(of: line.host, by: Self.user, correlation: nil)
            #expect(HostNetworkTests.calls(line) == count + 1)
            for reference in [WireReference(name: "nobody"), WireReference(id: "\(line.host)")] {
                await #expect(throws: EngineError.self) {
                    try await engine.copyNetworks(from: reference, to: line.host, by: Self.user, correlation: nil)
                }
            }
            #expect(try await engine.hasNIC("eth0", on: line.host))
            #expect(try await !engine.hasNIC("ovirtmgmt", on: line.host))
            try await line.agent.stop()
        }
    }
}

/// One host is to carry what another one carries (`copyhostnetworks`).
@Suite struct HostNetworkCopyTests {
    private static func network(_ name: String, _ usages: [String] = []) -> NetworkRecord {
        NetworkRecord(
            id: .random(),
            name: name,
            description: "",
            dataCenter: .random(),
            mtu: 0,
            usages: usages,
            isRequired: false
        )
    }

    private static let networks = [
        network("ovirtmgmt", ["management"]), network("red"), network("blue"), network("san"),
    ]

    /// `carried`: by network the device below.
    private static func host(
        nics: [String],
        bonds: [String: [String]] = [:],
        _ carried: [String: String]
    ) -> HostCapabilities {
        var host = HostCapabilities()
        for nic in nics { host.nics[nic] = NICReport(hwaddr: "", speed: 0, address: AddressReport()) }
        for (name, slaves) in bonds {
            host.bondings[name] = BondReport(
                hwaddr: "",
                slaves: slaves,
                opts: ["mode": "1"],
                speed: 0,
                address: AddressReport()
            )
        }
        for (name, device) in carried {
            var address = AddressReport()
            if name == "red" {
                address.dhcpv4 = true
            } else {
                (address.addr, address.netmask) = ("192.0.2.1", "255.0.0.0")
            }
            host.networks[name] = NetworkReport(
                iface: name,
                bridged: true,
                southbound: device,
                ports: [device],
                address: address
            )
        }
        return host
    }

    private static func names(_ order: SetupNetworksResource.Attachments?) -> [String] {
        (order?.network_attachment?.elements ?? []).compactMap { wanted in
            networks.first { $0.id.rawValue == wanted.network?.id }?.name
        }
    }

    @Test("nics are partners in the order of their numbers; fixed addresses stay; what the target has beside that goes")
    func nics() throws {
        let copy = HostNetworkCopy(
            from: Self.host(nics: ["eth0", "eth2", "eth10"], ["ovirtmgmt": "eth0", "red": "eth2", "blue": "eth10"]),
            to: Self.host(nics: ["p1", "p2", "p3"], ["ovirtmgmt": "p2", "red": "p3", "san": "p1"]),
            networks: Self.networks
        )
        let order = try copy.order()
        let wanted = try #require(order.modified_network_attachments?.network_attachment?.elements)
        #expect(Self.names(order.modified_network_attachments) == ["red", "blue"])
        #expect(wanted.map(\.host_nic?.name) == ["p1", "p3"])
        let methods = wanted.map { $0.ip_address_assignments?.ip_address_assignment?.elements.map(\.assignment_method) }
        #expect(methods == [["dhcp", "none"], ["none", "none"]])
        #expect(Self.names(order.removed_network_attachments) == ["san"])
        #expect(order.modified_bonds?.host_nic?.elements.isEmpty == true)
        #expect(order.removed_bonds?.host_nic?.elements.isEmpty == true)
    }

    @Test("bonds are made of the partners of their slaves; that of the management network keeps its name and its nics")
    func bonds() throws {
        let copy = HostNetworkCopy(
            from: Self.host(
                nics: ["eth0", "eth1", "eth2"],
                bonds: ["bond0": ["eth1", "eth2"]],
                ["ovirtmgmt": "eth0", "red": "bond0"]
            ),
            to: Self.host(
                nics: ["eth0", "eth1", "eth2", "eth3"],
                bonds: ["bond0": ["eth0"], "bond7": ["eth1", "eth3"]],
                ["ovirtmgmt": "bond0", "blue": "bond7"]
            ),
            networks: Self.networks
        )
        let order = try copy.order()
        let bonds = try #require(order.modified_bonds?.host_nic?.elements)
        #expect(bonds.map(\.name) == ["bond1"])
        #expect(bonds.first?.bonding?.slaves?.host_nic?.elements.map(\.name) == ["eth1", "eth2"])
        #expect(bonds.first?.bonding?.options?.option?.elements == [.init(name: "mode", value: "1")])
        #expect(order.removed_bonds?.host_nic?.elements.map(\.name) == ["bond7"])
        let wanted = try #require(order.modified_network_attachments?.network_attachment?.elements)
        #expect(wanted.map(\.host_nic?.name) == ["bond1"] && Self.names(order.removed_network_attachments) == ["blue"])
    }

    @Test("a bond of the target whose nics have no partner keeps its name, and options name the target's nics")
    func standingBonds() throws {
        let nics = ["eth0", "eth1", "eth2"]
        var from = Self.host(nics: nics, bonds: ["bond0": ["eth1", "eth2"]], ["ovirtmgmt": "eth0"])
        from.bondings["bond0"]?.opts = ["primary": "eth2", "active_slave": "gone"]
        let copy = HostNetworkCopy(
            from: from,
            to: Self.host(
                nics: ["p0", "p1", "p2", "p3", "p4"],
                bonds: ["bond0": ["p3", "p4"], "bond1": ["p1"]],
                ["ovirtmgmt": "p0"]
            ),
            networks: Self.networks
        )
        let order = try copy.order()
        let bonds = try #require(order.modified_bonds?.host_nic?.elements)
        #expect(bonds.map(\.name) == ["bond2"])
        #expect(bonds.first?.bonding?.slaves?.host_nic?.elements.map(\.name) == ["p1", "p2"])
        #expect(bonds.first?.bonding?.options?.option?.elements == [.init(name: "primary", value: "p2")])
        #expect(order.removed_bonds?.host_nic?.elements.map(\.name) == ["bond1"])
    }

    @Test func aHostWithFewerNICsIsRefused() {
        let copy = HostNetworkCopy(
            from: Self.host(nics: ["eth0", "eth1"], ["ovirtmgmt": "eth0"]),
            to: Self.host(nics: ["eth0"], ["ovirtmgmt": "eth0"]),
            networks: Self.networks
        )
        let error = #expect(throws: EngineError.self) { try copy.order() }
        #expect(error?.kind == .conflict)
    }
}

@Suite struct StatisticsBookTests {
    @Test("figures are shown while they are young, and of a host that is gone not at all")
    func age() {
        let (book, id) = (StatisticsBook(), UniqueID.random())
        var figures = HostFigures()
        figures.guests = 2
        book.note(figures, of: id, at: 1000)
        #expect(book.figures(of: id, at: 1000 + StatisticsBook.lifetime) == figures)
        #expect(book.figures(of: id, at: 1001 + StatisticsBook.lifetime) == nil)
        book.forget(id)
        #expect(book.figures(of: id, at: 1000) == nil)
    }

    @Test func aShareThatIsTooLargeIsNone() throws {
        let text = ByteBuffer(string: #"{"cpuUser": "1e300", "cpuSys": "inf", "cpuIdle": 1e39, "cpuLoad": "7.5"}"#)
        let found = try HostFigures(text: text)
        #expect(found.userPercent == nil && found.systemPercent == nil && found.idlePercent == nil && found.load == 7.5)
    }

    @Test("rates are of two readings that are near each other", arguments: [0, 1] as [Int64])
    func rates(late: Int64) {
        let (book, id) = (StatisticsBook(), UniqueID.random())
        var figures = HostFigures()
        (figures.sampled, figures.links) = (10, [HostFigures.Link(name: "eth0")])
        book.note(figures, of: id, at: 1000)
        figures.sampled = 20
        figures.links[0].receivedBytes = 1000
        let now = 1000 + StatisticsBook.lifetime + late
        book.note(figures, of: id, at: now)
        let wanted: Float? = late == 0 ? 100 : nil
        #expect(book.figures(of: id, at: now)?.links.first?.receiveRate == wanted)
    }
}
