import GRDB
import HostConversion
import HostModel
import Testing

@testable import Engine

/// What of stored jobs can be ended before its time, and what is refused; no server is asked here (HostConversionTests).
@Suite struct AbortTests {
    private let installation: TestInstallation
    private let engine: HostEngine
    private let context = TransitionContext(now: 5, times: MonitoringTimes(), user: "admin@internal", correlation: nil)

    init() async throws {
        installation = try await TestInstallation()
        engine = try await installation.open()
    }

    private func conversion() async throws -> (host: UniqueID, job: UniqueID) {
        let server = NewServer(
            name: try #require(HostName("kvm-8")),
            address: "192.0.2.8",
            port: 54321,
            cluster: nil,
            access: ServerAccess(address: "192.0.2.8")
        )
        return try await engine.store.addServer(server, ConversionOptions(), context: context)
    }

    @Test("one that waits for its turn ends at once, and whoever comes to it later does nothing")
    func waiting() async throws {
        let (host, job) = try await conversion()
        let ended = try await engine.abortJob(job, by: "admin@internal", correlation: nil)
        #expect(ended.status == .aborted && ended.ended != nil)
        #expect(ended.error == "It was aborted by admin@internal before anything was changed there.", "\(ended)")
        #expect(try await engine.host(host).status == .installFailed)
        #expect(try await engine.store.conversion(job) == nil)
        let told = try await engine.store.note(job, ConversionLine("access", "x"), at: 7) { $0.detail.hasBegun = true }
        #expect(!told)
        #expect(try await !engine.store.beginNetworkStage(of: job, context: context))
    }

    @Test("the wish is stored once, and the server's stage does not end behind it")
    func stored() async throws {
        let (host, job) = try await conversion()
        _ = try await engine.store.note(job, ConversionLine("access", "x"), at: 7) { row in
            row.detail.hasBegun = true
            row.mark("preflight", .started)
        }
        for _ in 1...2 {
            let wanted = try await engine.abortJob(job, by: "admin@internal", correlation: nil)
            #expect(wanted.status == .started && wanted.steps.first?.activity == "it is being aborted", "\(wanted)")
        }
        #expect(try await engine.codes().filter { $0 == EventCode.jobAborted.rawValue }.count == 1)
        #expect(try await !engine.store.beginNetworkStage(of: job, context: context))
        try await engine.store.endAborted(job, step: "packages", "after the step packages", context: context)
        #expect(try await engine.host(host).statusDetail == "packages")
        #expect(try await engine.job(job).error == "It was aborted by admin@internal after the step packages.")
    }

    @Test("a server that was told to reboot cannot be called back, and what is not there cannot be ended")
    func refused() async throws {
        let (_, job) = try await conversion()
        _ = try await engine.store.note(job, ConversionLine("reboot", "x"), at: 7) { $0.stage = .reboot }
        let rebooting = await #expect(throws: EngineError.self) {
            try await engine.abortJob(job, by: "admin@internal", correlation: nil)
        }
        #expect(rebooting?.kind == .conflict && rebooting?.detail.contains("was told to reboot") == true)
        let unknown = await #expect(throws: EngineError.self) {
            try await engine.abortJob(.random(), by: "admin@internal", correlation: nil)
        }
        #expect(unknown?.kind == .notFound)
    }

    @Test("work on a host's disks ends while nothing was written, and is refused later", arguments: [true, false])
    func images(isEarly: Bool) async throws {
        let (host, first) = try await conversion()
        _ = try await engine.abortJob(first, by: "admin@internal", correlation: nil)
        let row = ImageJobRow(
            id: .random(),
            kind: .upgrade,
            host: host,
            state: .started,
            step: isEarly ? .prepare : .write,
            deadline: 0,
            orders: 0,
            plan: #"{"name":"node","version":"v2","wasInMaintenance":true}"#,
            started: 5
        )
        try await engine.store.write { db in
            try row.insert(db)
            try db.execute(literal: "UPDATE host SET status = 'preparing_for_maintenance' WHERE id = \(host)")
        }
        guard isEarly else {
            let writing = await #expect(throws: EngineError.self) {
                try await engine.abortJob(row.id, by: "admin@internal", correlation: nil)
            }
            #expect(writing?.detail.contains("cannot be aborted: the node is writing") == true)
            return
        }
        let ended = try await engine.abortJob(row.id, by: "admin@internal", correlation: nil)
        #expect(ended.status == .aborted)
        #expect(try await engine.host(host).status == .maintenance)
    }
}
