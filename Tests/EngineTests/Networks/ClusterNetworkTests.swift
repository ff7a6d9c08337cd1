import AgentWire
import HostModel
import Synchronization
import Testing

@testable import Engine

/// Networks of a cluster: which it has, and what its hosts need of each.
@Suite struct ClusterNetworkTests {
    private static let user = HostNetworkTests.user

    private static func cluster(_ engine: HostEngine, _ name: String) async throws -> UniqueID {
        if let found = try await engine.all(ClusterRecord.self).first(where: { $0.name == name }) { return found.id }
        var order = ClusterResource.Order()
        order.name = name
        return try await engine.add(ClusterRecord.self, order, by: user, correlation: nil).id
    }

    private static func names(_ engine: HostEngine, _ cluster: UniqueID) async throws -> [String] {
        try await engine.networks(ofCluster: cluster).map(\.name)
    }

    private static func order(_ name: String, _ required: Bool? = nil, _ usages: [String]? = nil)
        -> ClusterNetworkOrder
    {
        var order = ClusterNetworkOrder()
        (order.name, order.required, order.usages) = (name, required, usages.map { .init(usage: $0) })
        return order
    }

    @Test("a network is in every cluster of its data center until it is taken out of one")
    func membership() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let first = try await Self.cluster(engine, "Default")
        let red = try await HostNetworkTests.network(engine, "red")
        let second = try await Self.cluster(engine, "second")
        #expect(try await Self.names(engine, first) == ["ovirtmgmt", "red"])
        #expect(try await Self.names(engine, second) == ["ovirtmgmt", "red"])
        try await engine.removeNetwork(red.id, fromCluster: first, by: Self.user, correlation: nil)
        #expect(try await Self.names(engine, first) == ["ovirtmgmt"])
        #expect(try await Self.names(engine, second) == ["ovirtmgmt", "red"])
        #expect(try await engine.events(EventQuery(max: 1)).first?.code == .networkDetachedFromCluster)
        // Twice, what the data center does not have, and the management network.
        for (network, kind) in [(red.id, EngineError.Kind.notFound), (UniqueID.random(), .notFound)] {
            let error = await #expect(throws: EngineError.self) {
                try await engine.removeNetwork(network, fromCluster: first, by: Self.user, correlation: nil)
            }
            #expect(error?.kind == kind)
        }
        let management = try #require(try await engine.networks(ofCluster: first).first)
        let refused = await #expect(throws: EngineError.self) {
            try await engine.removeNetwork(management.id, fromCluster: first, by: Self.user, correlation: nil)
        }
        #expect(refused?.kind == .conflict)
        // oVirt's: who puts a network into a cluster and says nothing else has it required.
        let back = try await engine.addNetwork(Self.order("red"), toCluster: first, by: Self.user, correlation: nil)
        #expect(back.isRequired && back.isVM)
        #expect(try await engine.network(red.id, ofCluster: second).isRequired == false)
        #expect(try await engine.events(EventQuery(max: 1)).first?.code == .networkAttachedToCluster)
        await #expect(throws: EngineError.self) {
            try await engine.addNetwork(Self.order("blue"), toCluster: first, by: Self.user, correlation: nil)
        }
        // A network that goes, and a cluster that goes, leave nothing behind.
        try await engine.removeNetwork(red.id, by: Self.user, correlation: nil)
        #expect(try await Self.names(engine, first) == ["ovirtmgmt"])
    }

    @Test("what hosts need of a network is each cluster's own, unless it is said of the network")
    func demands() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let (first, second) = (try await Self.cluster(engine, "Default"), try await Self.cluster(engine, "second"))
        let red = try await HostNetworkTests.network(engine, "red")
        func change(_ order: ClusterNetworkOrder) async throws -> NetworkRecord {
            try await engine.updateNetwork(red.id, ofCluster: first, order, by: Self.user, correlation: nil)
        }
        #expect(try await change(Self.order("red", true, ["migration", "vm"])).usages == ["migration", "vm"])
        let other = try await engine.network(red.id, ofCluster: second)
        #expect(!other.isRequired && other.usages == ["vm"])
        // What a cluster does not say: whether it is for guests.
        #expect(try await change(Self.order("red", nil, ["display"])).usages == ["display", "vm"])
        #expect(try await change(Self.order("red")).isRequired, "what is left out stays")
        for usages in [["management"], ["nothing"]] {
            await #expect(throws: EngineError.self) { _ = try await change(Self.order("red", nil, usages)) }
        }
        let management = try #require(try await engine.networks(ofCluster: first).first)
        await #expect(throws: EngineError.self) {
            try await engine.updateNetwork(
                management.id,
                ofCluster: first,
                Self.order("ovirtmgmt", false),
                by: Self.user,
                correlation: nil
            )
        }
        // oVirt's clients send all that they read: a cluster's own word stands.
        var order = NetworkOrder()
        (order.required, order.usages, order.mtu) = (false, .init(usage: ["vm"]), "1400")
        _ = try await engine.updateNetwork(red.id, order, by: Self.user, correlation: nil)
        let changed = try await engine.network(red.id, ofCluster: first)
        #expect(changed.isRequired && changed.mtu == 1400 && changed.usages == ["display", "vm"])
        // What changes changes in those that had the same.
        order.required = true
        _ = try await engine.updateNetwork(red.id, order, by: Self.user, correlation: nil)
        #expect(try await engine.network(red.id, ofCluster: second).isRequired)
        order.required = false
        _ = try await engine.updateNetwork(red.id, order, by: Self.user, correlation: nil)
        #expect(try await engine.network(red.id, ofCluster: second).isRequired == false)
    }

    @Test("a network that is required in one cluster makes only that one's hosts non operational")
    func requiredInOneCluster() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let (own, other) = (try await Self.cluster(engine, "Default"), try await Self.cluster(engine, "other"))
            let red = try await HostNetworkTests.network(engine, "red")
            func news() {
                line.agent.change { $0.news = RPCNotification(method: "|net|host_conn|no_id", params: .object([:])) }
            }
            _ = try await engine.addNetwork(Self.order("red", true), toCluster: other, by: Self.user, correlation: nil)
            let cluster = try await engine.store.read { try ClusterDemands.fetch(own, without: line.host, in: $0) }
            #expect(cluster.networks.filter(\.isRequired).map(\.name) == ["ovirtmgmt"])
            _ = try await engine.addNetwork(Self.order("red"), toCluster: own, by: Self.user, correlation: nil)
            news()
            let event = try #require(try await engine.event(.nonOperationalNetwork, host: line.host))
            #expect(event.text.contains("red"))
            try await engine.removeNetwork(red.id, fromCluster: own, by: Self.user, correlation: nil)
            _ = try #require(try await engine.event(.hostDetected, after: event.index, host: line.host))
            try await line.agent.stop()
        }
    }

    @Test("a label's network goes with the network's leaving the cluster, and comes with its coming")
    func labels() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let own = try await Self.cluster(engine, "Default")
            func carried() async throws -> [String] {
                try await engine.networkAttachments(of: line.host).map(\.network.name)
            }
            let red = try await HostNetworkTests.network(engine, "red") {
                ($0.vlan, $0.label) = (.init(id: "7"), "lab")
            }
            line.agent.change { state in state.capabilities.nics["eth1"] = state.capabilities.nics["eth0"] }
            let label = #"{"modified_labels": {"network_label": [{"id": "lab", "host_nic": {"name": "eth1"}}]}}"#
            _ = try await HostNetworkTests.setUp(engine, line, label)
            #expect(try await carried() == ["ovirtmgmt", "red"])
            try await engine.removeNetwork(red.id, fromCluster: own, by: Self.user, correlation: nil)
            #expect(try await carried() == ["ovirtmgmt"])
            #expect(try await engine.unmanagedNetworks(of: line.host).isEmpty, "the host let it go")
            #expect(line.agent.state.withLock { $0.setups.last?["networks"]?["red"]?["remove"] } != nil)
            // Who wants it on a host hears that the cluster has it no more.
            let error = await #expect(throws: EngineError.self) { _ = try await HostNetworkTests.attach(engine, line) }
            #expect(error?.kind == .notFound && error?.detail.contains("cluster") == true)
            _ = try await engine.addNetwork(
                Self.order("red", false),
                toCluster: own,
                by: Self.user,
                correlation: nil
            )
            #expect(try await carried() == ["ovirtmgmt", "red"])
            try await line.agent.stop()
        }
    }

    @Test("syncallnetworks of a cluster makes anew what differs on its hosts, and names those that refuse")
    func synchronize() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let own = try await Self.cluster(engine, "Default")
            let red = try await HostNetworkTests.network(engine, "red") { $0.vlan = .init(id: "7") }
            _ = try await HostNetworkTests.attach(engine, line) { $0.host_nic = "eth0" }
            func synchronize() async throws {
                try await engine.synchronizeNetworks(ofCluster: own, by: Self.user, correlation: nil)
            }
            try await synchronize()
            let count = HostNetworkTests.calls(line)
            try await synchronize()
            #expect(HostNetworkTests.calls(line) == count, "all is in sync")
            var order = NetworkOrder()
            order.mtu = "1400"
            _ = try await engine.updateNetwork(red.id, order, by: Self.user, correlation: nil)
            line.agent.change { $0.setup = .fails(RPCError(.unexpected, "not now")) }
            let error = await #expect(throws: EngineError.self) { try await synchronize() }
            #expect(error?.detail.contains("1 of 1 hosts") == true && error?.detail.contains("node-1") == true)
            line.agent.change { $0.setup = .works }
            try await synchronize()
            #expect(try await engine.networkAttachments(of: line.host).allSatisfy(\.isInSync))
            await #expect(throws: EngineError.self) {
                try await engine.synchronizeNetworks(ofCluster: .random(), by: Self.user, correlation: nil)
            }
            try await line.agent.stop()
        }
    }
}
