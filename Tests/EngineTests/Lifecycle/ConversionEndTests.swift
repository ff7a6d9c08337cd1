import GRDB
import HostConversion
import HostModel
import Testing

@testable import Engine

/// Where a host goes to when its conversion is done.
@Suite struct ConversionEndTests {
    private static let context = TransitionContext(now: 5, times: MonitoringTimes(), user: nil, correlation: nil)

    @Test(
        "a new host goes into service, one that was in maintenance goes back there, and what was said of it counts before both",
        arguments: [
            (Bool?.none, HostStatus.initializing, HostStatus.maintenance),
            (true, .initializing, .initializing), (false, .maintenance, .maintenance),
        ]
    )
    func ends(activates: Bool?, new: HostStatus, rested: HostStatus) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let server = NewServer(
            name: try #require(HostName("kvm-8")),
            address: "127.0.0.1",
            port: 1,
            cluster: nil,
            access: ServerAccess(address: "127.0.0.1")
        )
        var choices = ConversionChoices()
        choices.activates = activates
        let options = choices.applied(to: ConversionOptions())
        let (id, job) = try await engine.store.addServer(server, options, context: Self.context)
        try await end(job, engine.store)
        #expect(try await engine.host(id).status == new)

        try await engine.store.write { db in
            try db.execute(literal: "UPDATE host SET status = 'maintenance' WHERE id = \(id)")
        }
        let access: @Sendable (ServerAccess?) throws -> ServerAccess = { try #require($0) }
        let again = try await engine.store.beginConversion(.reinstall, of: id, access, choices, context: Self.context)
        try await end(again, engine.store)
        #expect(try await engine.host(id).status == rested)

        // It was said of one conversion only.
        let last = try await engine.store.beginConversion(
            .reinstall,
            of: id,
            access,
            ConversionChoices(),
            context: Self.context
        )
        #expect(try await engine.store.conversion(last)?.detail.options.activates == nil)
    }

    private func end(_ job: UniqueID, _ store: Store) async throws {
        try await store.note(job, ConversionLine("reboot", "began"), at: 5) { $0.stage = .reboot }
        try await store.endConversion(job, failure: nil, context: Self.context)
    }
}
