import AgentWire
import Foundation
import HostModel
import Testing

@testable import Engine

/// Labels: a nic that has one carries the networks that have it.
@Suite struct NetworkLabelTests {
    @Test("a label on a nic carries every network that has it, and those that get it later")
    func labels() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            _ = try await HostNetworkTests.network(engine, "red") { ($0.vlan, $0.label) = (.init(id: "7"), "lab") }
            _ = try await HostNetworkTests.network(engine, "green") { ($0.vlan, $0.label) = (.init(id: "8"), "other") }
            line.agent.change { state in state.capabilities.nics["eth1"] = state.capabilities.nics["eth0"] }
            let label = #"{"modified_labels": {"network_label": [{"id": "lab", "host_nic": {"name": "eth1"}}]}}"#
            let asked = try await HostNetworkTests.setUp(engine, line, label)
            #expect(asked?["networks"]?.object?.keys.sorted() == ["red"])
            #expect(asked?["networks"]?["red"]?["nic"] == "eth1" && asked?["networks"]?["red"]?["vlan"] == "7")
            #expect(try await engine.nicLabels(of: line.host) == ["lab": "eth1"])
            let blue = try await HostNetworkTests.network(engine, "blue") {
                ($0.vlan, $0.label) = (.init(id: "9"), "lab")
            }
            try await engine.spread(blue, by: HostNetworkTests.user, correlation: nil)
            #expect(
                try await engine.networkAttachments(of: line.host).map(\.network.name) == ["blue", "ovirtmgmt", "red"]
            )
            let count = HostNetworkTests.calls(line)
            try await engine.spread(blue, by: HostNetworkTests.user, correlation: nil)
            #expect(HostNetworkTests.calls(line) == count, "it is there")
            let cyan = try await HostNetworkTests.network(engine, "cyan") {
                ($0.vlan, $0.label) = (.init(id: "10"), "lab")
            }
            line.agent.change { $0.setup = .fails(RPCError(.badNIC, "This host has no nic eth1")) }
            let error = await #expect(throws: EngineError.self) {
                try await engine.spread(cyan, by: HostNetworkTests.user, correlation: nil)
            }
            #expect(error?.detail.contains("not every host") == true && error?.detail.contains("no nic eth1") == true)
            line.agent.change { $0.setup = .works }
            let removed = try await HostNetworkTests.setUp(
                engine,
                line,
                #"{"removed_labels": {"network_label": [{"id": "lab"}]}}"#
            )
            #expect(removed?["networks"]?.object?.keys.sorted() == ["blue", "red"])
            #expect(try await engine.nicLabels(of: line.host) == [:])
            #expect(try await engine.networkAttachments(of: line.host).map(\.network.name) == ["ovirtmgmt"])
            try await line.agent.stop()
        }
    }

    @Test("a label that goes from a network takes the network from the nics that carried it for the label")
    func labelGone() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            func relabel(_ network: NetworkRecord, _ label: String) async throws {
                var order = NetworkOrder()
                order.label = label
                _ = try await engine.updateNetwork(network.id, order, by: HostNetworkTests.user, correlation: nil)
            }
            func carried() async throws -> [String] {
                try await engine.networkAttachments(of: line.host).map(\.network.name)
            }
            let red = try await HostNetworkTests.network(engine, "red") {
                ($0.vlan, $0.label) = (.init(id: "7"), "lab")
            }
            let blue = try await HostNetworkTests.network(engine, "blue") {
                ($0.vlan, $0.label) = (.init(id: "9"), "lab")
            }
            line.agent.change { state in state.capabilities.nics["eth1"] = state.capabilities.nics["eth0"] }
            let label = #"{"modified_labels": {"network_label": [{"id": "lab", "host_nic": {"name": "eth1"}}]}}"#
            _ = try await HostNetworkTests.setUp(engine, line, label)
            #expect(try await carried() == ["blue", "ovirtmgmt", "red"])

            line.agent.change { $0.setup = .fails(RPCError(.unexpected, "not now")) }
            let error = await #expect(throws: EngineError.self) { try await relabel(red, "") }
            #expect(error?.detail.contains("stays as it is") == true, "\(String(describing: error))")
            #expect(try await engine.network(red.id).label == "lab", "the order can be given again")

            line.agent.change { $0.setup = .works }
            try await relabel(red, "")
            #expect(try await carried() == ["blue", "ovirtmgmt"])
            #expect(try await engine.network(red.id).label == nil)
            // A label that no nic has: the same. And no host is touched for an order that is refused.
            let count = HostNetworkTests.calls(line)
            await #expect(throws: EngineError.self) { try await relabel(blue, "a b") }
            #expect(HostNetworkTests.calls(line) == count)
            try await relabel(blue, "elsewhere")
            #expect(try await carried() == ["ovirtmgmt"])
            try await line.agent.stop()
        }
    }
}
