import AgentWire
import Engine
import HostModel
import Testing

/// Out of service and back, by a real agent's words.
@Suite(.timeLimit(.minutes(3))) struct MaintenanceTests {
    private static let user = "admin@internal"

    @Test("a host with guests waits for their end, over a restart of the engine too; activated it is up again")
    func drains() async throws {
        let installation = try await TestInstallation()
        let line = try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.guests = 2 }
            try await engine.deactivate(line.host, reason: "new \u{1B}disks", by: Self.user, correlation: "c-1")
            let ordered = try #require(try await engine.event(.maintenanceOrderedWithReason, host: line.host))
            #expect(ordered.text.contains("new ") && !ordered.text.contains("\u{1B}") && ordered.user == Self.user)
            let waits = try #require(try await engine.event(.maintenanceWaits, host: line.host))
            #expect(waits.text.contains("2 guests"))
            #expect(try await engine.host(line.host).status == .preparingForMaintenance)
            return line
        }
        try await installation.running { engine in
            line.agent.change { $0.guests = 0 }
            #expect(try await engine.event(.maintenanceReached, host: line.host) != nil)
            let host = try await engine.host(line.host)
            #expect(host.status == .maintenance && host.statusDetail?.hasPrefix("new ") == true)
            await #expect(throws: EngineError.self, "it is in maintenance already") {
                try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            }
            let before = try await engine.events(EventQuery(max: 1)).first?.index ?? 0
            try await engine.activate(line.host, by: Self.user, correlation: nil)
            #expect(try await engine.event(.hostDetected, after: before, host: line.host) != nil)
            #expect(try await engine.host(line.host).statusDetail == nil)
        }
        try await line.agent.stop()
    }

    @Test("a drain that is called off; a host that falls silent meanwhile is said to, and can go at once")
    func calledOff() async throws {
        let installation = try await TestInstallation { ($0.monitoring.grace, $0.monitoring.attemptsMax) = (200, 1) }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.guests = 1 }
            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            #expect(try await engine.event(.maintenanceWaits, host: line.host) != nil)
            let before = try await engine.events(EventQuery(max: 1)).first?.index ?? 0
            try await engine.activate(line.host, by: Self.user, correlation: nil)
            #expect(try await engine.event(.hostDetected, after: before, host: line.host) != nil)
            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            try await line.agent.stop()
            line.agent.breakConnections()
            #expect(try await engine.event(.hostFailure, host: line.host) != nil)
            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            #expect(try await engine.host(line.host).status == .maintenance)
        }
    }
}
