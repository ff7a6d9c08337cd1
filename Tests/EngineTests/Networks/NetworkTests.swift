import AgentWire
import HostModel
import Synchronization
import Testing

@testable import Engine

/// Networks of the data center, and on hosts.
@Suite struct NetworkTests {
    private static let user = "admin@internal"

    private static func order(_ name: String?, _ change: (inout NetworkOrder) -> Void = { _ in }) -> NetworkOrder {
        var order = NetworkOrder()
        order.name = name
        change(&order)
        return order
    }

    @Test func aNetworkIsAddedChangedAndRemoved() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let made = try await engine.addNetwork(
                Self.order("storage") { ($0.vlan, $0.mtu, $0.usages) = (.init(id: "12"), "9000", .init(usage: [])) },
                by: Self.user,
                correlation: nil
            )
            #expect(made.vlan == 12 && made.mtu == 9000 && !made.isVM && !made.isRequired)
            let changed = try await engine.updateNetwork(
                made.id,
                Self.order(nil) { ($0.vlan, $0.usages) = (.init(id: ""), .init(usage: ["vm"])) },
                by: Self.user,
                correlation: nil
            )
            #expect(changed.vlan == nil && changed.mtu == 9000 && changed.isVM && changed.name == "storage")
            #expect(try await engine.networks().map(\.name) == ["ovirtmgmt", "storage"])
            try await engine.removeNetwork(made.id, by: Self.user, correlation: nil)
            #expect(try await engine.networks().map(\.name) == ["ovirtmgmt"])
        }
    }

    @Test func whatCanNotBeIsRefused() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let orders = [
                Self.order(nil), Self.order(""), Self.order("abcdefghijklmnop"), Self.order("a b"), Self.order("a.b"),
                Self.order("x") { $0.vlan = .init(id: "4095") }, Self.order("x") { $0.mtu = "67" },
                Self.order("x") { $0.usages = .init(usage: ["fun"]) },
                Self.order("x") { $0.usages = .init(usage: ["management"]) }, Self.order("ovirtmgmt"),
            ]
            for order in orders {
                await #expect(throws: EngineError.self, "\(order)") {
                    try await engine.addNetwork(order, by: Self.user, correlation: nil)
                }
            }
            let management = try #require(try await engine.networks().first { $0.name == "ovirtmgmt" })
            for order in [Self.order("other"), Self.order(nil) { $0.required = false }] {
                await #expect(throws: EngineError.self) {
                    try await engine.updateNetwork(management.id, order, by: Self.user, correlation: nil)
                }
            }
            await #expect(throws: EngineError.self) {
                try await engine.removeNetwork(management.id, by: Self.user, correlation: nil)
            }
            #expect(try await engine.networks().count == 1)
        }
    }

    @Test func aHostCarriesANetworkInSyncUntilItIsChanged() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let made = try await engine.addNetwork(
                Self.order("red") { ($0.vlan, $0.mtu) = (.init(id: "7"), "1400") },
                by: Self.user,
                correlation: nil
            )
            var order = NetworkAttachmentOrder(network: "red")
            (order.host_nic, order.address) = ("eth0", "192.0.2.5/24")
            try await engine.attach(order, to: line.host, by: Self.user, correlation: nil)
            let asked = line.agent.state.withLock { $0.setups.last }
            let red = asked?["networks"]?["red"]
            #expect(red?["nic"] == "eth0" && red?["vlan"] == "7" && red?["mtu"] == "1400" && red?["bridged"] == "true")
            #expect(red?["ipaddr"] == "192.0.2.5" && red?["netmask"] == "255.255.255.0")
            #expect(
                asked?["options"]?["connectivityCheck"] == "true"
                    && asked?["options"]?["commitOnSuccess"] == .boolean(true)
            )
            var found = try await engine.networkAttachments(of: line.host).first { $0.network.name == "red" }
            #expect(found?.isInSync == true && found?.device == "eth0", "\(found as Any)")
            _ = try await engine.updateNetwork(
                made.id,
                Self.order(nil) { $0.mtu = "9000" },
                by: Self.user,
                correlation: nil
            )
            found = try await engine.networkAttachments(of: line.host).first { $0.network.name == "red" }
            #expect(found?.attributes.filter { $0.expected != $0.actual }.map(\.name) == ["mtu"])
            try await engine.detach("red", from: line.host, by: Self.user, correlation: nil)
            #expect(try await engine.networkAttachments(of: line.host).map(\.network.name) == ["ovirtmgmt"])
            #expect(
                try await engine.planNetworks(HostNetworkOrder(SetupNetworksParameters()), on: line.host).last
                    == "create bridge red"
            )
            await #expect(throws: EngineError.self) {
                try await engine.detach("ovirtmgmt", from: line.host, by: Self.user, correlation: nil)
            }
            line.agent.change { $0.setup = .breaksUntilConfirmed }
            try await engine.attach(order, to: line.host, by: Self.user, correlation: nil)
            #expect(try await engine.networkAttachments(of: line.host).map(\.network.name) == ["ovirtmgmt", "red"])
            line.agent.change { $0.setup = .fails(RPCError(.badNIC, "This host has no nic eth9")) }
            order.host_nic = "eth9"
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.attach(order, to: line.host, by: Self.user, correlation: nil)
            }
            #expect(refusal?.detail.contains("no nic eth9") == true && refusal?.detail.contains("23") == true)
            #expect(try await engine.event(.hostNetworksFailed, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func aHostWithoutARequiredNetworkIsNotOperational() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let order = Self.order("must") { $0.required = true }
            _ = try await engine.addNetwork(order, by: Self.user, correlation: nil)
            line.agent.change { $0.news = RPCNotification(method: "|net|host_conn|no_id", params: .object([:])) }
            let event = try #require(try await engine.event(.nonOperationalNetwork, host: line.host))
            #expect(event.text.contains("must"))
            #expect(try await engine.host(line.host).status == .nonOperational)
            try await line.agent.stop()
        }
    }
}
