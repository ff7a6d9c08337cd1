import AgentWire
import HostModel
import Testing

@testable import Engine

/// A host starts once more by its own agent's hand.
@Suite(.timeLimit(.minutes(3))) struct RebootTests {
    private static let user = "admin@internal"

    @Test("up before, up afterwards; from maintenance back to maintenance; without writing anything")
    func comesBack() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let job = try await engine.reboot(line.host, by: Self.user, correlation: "c1")
            #expect(job.kind == "reboot" && job.steps.map(\.name) == ["prepare", "reboot", "come_back"])
            let done = try await ImageWorkTests.ended(engine, line, .rebootFinished)
            #expect(done.user == Self.user && done.correlation == "c1")
            #expect(line.agent.node.reboots == 1 && line.agent.node.orders.isEmpty)
            #expect(try await engine.job(job.id).steps.allSatisfy { $0.status == .finished })

            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            _ = try await engine.event(.maintenanceReached, host: line.host)
            _ = try await engine.reboot(line.host, by: Self.user, correlation: nil)
            _ = try #require(try await engine.event(.rebootFinished, after: done.index, host: line.host))
            #expect(try await engine.host(line.host).status == .maintenance)
            #expect(line.agent.node.reboots == 2)
            try await line.agent.stop()
        }
    }

    @Test("switched off in its reboot, a host stays down, and is at once at a person's disposal")
    func offOnTheWay() async throws {
        let installation = try await ImageWorkTests.installation { $0.imageWork.rebootAgain = 100_000 }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.node.deafness = 1000 }
            _ = try await engine.reboot(line.host, by: Self.user, correlation: nil)
            while try await engine.host(line.host).status != .reboot {}
            try await engine.store.write { db in
                var host = try HostRow.require(line.host, in: db)
                var life = HostLife(status: host.status, lastContact: 0)
                let context = TransitionContext(now: 1, times: MonitoringTimes(), user: Self.user, correlation: nil)
                try engine.store.live(&host, &life, .poweredOff, context: context, in: db)
            }
            _ = try #require(try await engine.event(.rebootFailed, host: line.host))
            #expect(try await engine.host(line.host).status == .down)
            #expect(try await !engine.store.hostsToWatch().contains(line.host))
            try await engine.activate(line.host, by: Self.user, correlation: nil)
            try await line.agent.stop()
        }
    }

    @Test("guests are in the way, and so is a status that says that somebody else is at it")
    func refused() async throws {
        let installation = try await ImageWorkTests.installation { $0.imageWork.rebootAgain = 100 }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.guests = 1 }
            let guests = await #expect(throws: EngineError.self) {
                try await engine.reboot(line.host, by: Self.user, correlation: nil)
            }
            #expect(guests?.detail.contains("1 guests run") == true)
            line.agent.change { ($0.guests, $0.node.deafness) = (0, 1) }
            _ = try await engine.reboot(line.host, by: Self.user, correlation: nil)
            await #expect(throws: EngineError.self, "one at a time") {
                try await engine.reboot(line.host, by: Self.user, correlation: nil)
            }
            _ = try #require(try await engine.event(.rebootFinished, host: line.host), "it was told again")
            #expect(line.agent.node.reboots == 2)
            try await line.agent.stop()
        }
    }

    @Test("an engine that is killed meanwhile goes on, and the machine reboots once")
    func survives() async throws {
        let installation = try await ImageWorkTests.installation()
        let line = try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            line.agent.breakConnections()
            _ = try? await engine.reboot(line.host, by: Self.user, correlation: nil)
            return line
        }
        try await installation.running { engine in
            if try await engine.jobs(of: line.host, max: 1).isEmpty {
                _ = try await engine.reboot(line.host, by: Self.user, correlation: nil)
            }
            _ = try #require(try await engine.event(.rebootFinished, host: line.host))
            #expect(line.agent.node.reboots == 1)
        }
        try await line.agent.stop()
    }

    @Test("a refresh reads what a host has at once; one that is not monitored is refused")
    func refreshes() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            line.agent.change { $0.capabilities.cpuModel = "another one" }
            try await engine.refresh(line.host)
            let end = ContinuousClock.now + .seconds(60)
            while try await engine.host(line.host).hardware?.cpuModel?.raw != "another one", ContinuousClock.now < end {
                await engine.waitForEvent(after: .max, seconds: 0)
                await Task.yield()
            }
            #expect(try await engine.host(line.host).hardware?.cpuModel?.raw == "another one")
            try await engine.deactivate(line.host, reason: nil, by: Self.user, correlation: nil)
            _ = try await engine.event(.maintenanceReached, host: line.host)
            await #expect(throws: EngineError.self) { try await engine.refresh(line.host) }
            try await line.agent.stop()
        }
    }
}
