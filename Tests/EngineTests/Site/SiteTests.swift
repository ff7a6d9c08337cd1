import Foundation
import HostModel
import Testing

@testable import Engine

/// What clusters, data centers and tags mean to hosts.
@Suite(.timeLimit(.minutes(3))) struct SiteTests {
    private static let user = "admin@internal"

    private static func add<Record: SiteRecord>(
        _ kind: Record.Type,
        _ engine: HostEngine,
        _ name: String,
        _ change: (inout Record.Resource.Order) -> Void = { _ in }
    ) async throws -> Record {
        let json = Data(#"{"name": "\#(name)"}"#.utf8)
        var order = try JSONDecoder().decode(Record.Resource.Order.self, from: json)
        change(&order)
        return try await engine.add(kind, order, by: user, correlation: "c-9")
    }

    private static func update(
        _ engine: HostEngine,
        _ host: UniqueID,
        _ change: (inout HostOrder) -> Void
    ) async throws {
        var order = HostOrder()
        change(&order)
        try await engine.update(host, order, by: user, correlation: nil)
    }

    private static func approve(_ waiting: Enrolment, _ engine: HostEngine) async throws {
        try await engine.approve(waiting.host, code: "\(waiting.code)", by: user, correlation: nil)
    }

    @Test("a full data center takes no more hosts, says so with the remedy, and takes them once it has room")
    func room() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let center = try #require(try await engine.all(DataCenterRecord.self).first)
            var order = DataCenterResource.Order()
            order.muster = .init(hosts_max: 1)
            _ = try await engine.update(DataCenterRecord.self, center.id, order, by: Self.user, correlation: nil)
            _ = try await ImageWorkTests.up(engine)
            let second = try await TestNode().enrol(with: engine)
            let refusal = await #expect(throws: EngineError.self) { try await Self.approve(second, engine) }
            #expect(refusal?.detail.contains("takes no more") == true, "\(String(describing: refusal))")
            #expect(refusal?.remedy?.contains("--hosts-max") == true)
            #expect(try await engine.host(second.host).status == .pendingApproval, "its claim still waits")
            order.muster = .init(hosts_max: 2)
            _ = try await engine.update(DataCenterRecord.self, center.id, order, by: Self.user, correlation: nil)
            try await Self.approve(second, engine)
        }
    }

    @Test("a host changes its cluster from maintenance only; orders of networks of the former data center go")
    func moves() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let east = try await Self.add(DataCenterRecord.self, engine, "east")
            let cluster = try await Self.add(ClusterRecord.self, engine, "far") { $0.data_center = .init(name: "east") }
            let line = try await ImageWorkTests.up(engine)
            _ = try await HostNetworkTests.network(engine, "red")
            _ = try await HostNetworkTests.attach(engine, line) { $0.host_nic = "eth0" }
            #expect(try await engine.store.orderedNetworks(of: line.host).count == 2)
            let refusal = await #expect(throws: EngineError.self) {
                try await Self.update(engine, line.host) { $0.cluster = .init(name: "far") }
            }
            #expect(refusal?.remedy?.contains("maintenance") == true)
            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            _ = try await engine.event(.maintenanceReached, host: line.host)
            try await Self.update(engine, line.host) { $0.cluster = .init(name: "far") }
            let host = try await engine.host(line.host)
            #expect(host.cluster.id == cluster.id && host.cluster.dataCenter == east.id)
            #expect(try await engine.store.orderedNetworks(of: line.host).isEmpty)
            let stays = await #expect(throws: EngineError.self) {
                try await engine.remove(ClusterRecord.self, cluster.id, by: Self.user, correlation: nil)
            }
            #expect(stays?.detail.contains("has hosts") == true)
        }
    }

    @Test("name, comment and rank of a host; nobody takes another's name")
    func says() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let (first, second) = (try await TestNode().enrol(with: engine), try await TestNode().enrol(with: engine))
            try await Self.update(engine, first.host) {
                ($0.name, $0.comment, $0.spm) = ("kvm-07", "rack 4", .init(priority: -1))
            }
            let host = try await engine.host(first.host)
            #expect(host.name.rawValue == "kvm-07" && host.comment == "rack 4" && host.spmPriority == -1)
            for change in [{ $0.name = "kvm-07" }, { $0.name = "a b" }, { $0.spm = .init(priority: 11) }]
                as [@Sendable (inout HostOrder) -> Void]
            {
                await #expect(throws: EngineError.self) { try await Self.update(engine, second.host, change) }
            }
        }
    }

    @Test("hosts are found by their tags, whole names only, and by affinity labels")
    func marks() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let (first, second) = (try await TestNode().enrol(with: engine), try await TestNode().enrol(with: engine))
            _ = try await Self.add(TagRecord.self, engine, "ssd")
            _ = try await Self.add(TagRecord.self, engine, "ssd-fast")
            _ = try await Self.add(AffinityLabelRecord.self, engine, "near")
            func mark(_ tag: String, _ host: UniqueID) async throws {
                _ = try await engine.mark(TagRecord.self, .init(name: tag), on: host, by: Self.user, correlation: nil)
            }
            try await mark("ssd", first.host)
            try await mark("ssd", first.host)
            try await mark("ssd-fast", second.host)
            _ = try await engine.mark(
                AffinityLabelRecord.self,
                .init(name: "near"),
                on: second.host,
                by: Self.user,
                correlation: nil
            )
            func found(_ search: String) async throws -> [UniqueID] {
                try await engine.hosts(matching: try HostFilter(search: search)).map(\.id)
            }
            #expect(try await found("tag=ssd") == [first.host])
            #expect(try await found("tag!=ssd") == [second.host])
            #expect(try await found("tag=ssd*").count == 2)
            #expect(try await found("affinity_label=near") == [second.host])
            #expect(try await engine.host(first.host).tags == ["ssd"])
            try await engine.unmark(TagRecord.self, .init(name: "ssd"), on: first.host, by: Self.user, correlation: nil)
            await #expect(throws: EngineError.self, "it has it no more") {
                try await engine.unmark(
                    TagRecord.self,
                    .init(name: "ssd"),
                    on: first.host,
                    by: Self.user,
                    correlation: nil
                )
            }
            await #expect(throws: EngineError.self) { try await mark("root", first.host) }
            let told = try await engine.events(EventQuery(host: first.host)).filter { $0.code == .hostMarked }
            #expect(told.count == 2, "the second time was none")
        }
    }
}
