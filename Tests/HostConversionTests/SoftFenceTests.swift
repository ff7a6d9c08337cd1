import HostConversion
import HostModel
import Testing

@testable import Engine

/// The agent of a converted server, restarted over SSH by the engine's own key, on a server with systemd and sshd. Takes root.
@Suite struct SoftFenceTests {
    @Test(
        "the agent of a server that falls silent is restarted over SSH; a server that is away is told, and nothing else"
    )
    func restartsAgent() async throws {
        let bed = try await EngineBed { settings in
            (settings.monitoring.refresh, settings.monitoring.grace, settings.monitoring.connect) = (50, 200, 2000)
            (settings.power.poll, settings.power.soft) = (50, 1000)
        }
        let host = try await bed.running { engine in
            let host = try await engine.addServer(bed.order(), by: "test", correlation: nil)
            // Nobody answers for the agent here.
            try await engine.event(.installFailed)
            let board = FenceAgentSettings(type: "ipmilan", address: "127.0.0.1", port: 1, username: "admin")
            _ = try await engine.addFenceAgent(
                to: host.id,
                board,
                password: Secret("x"),
                by: "test",
                correlation: nil
            )
            return host
        }
        let before = try await Self.run(bed)
        try await bed.running { engine in
            try bed.server.order("refuse")
            let away = try await Self.silence(host.id, engine)
            #expect(away.text.contains("could not be restarted over SSH"), "\(away.text)")
            try bed.server.order("accept")
            #expect(try await Self.run(bed) == before, "and nobody touched it")
            let done = try await Self.silence(host.id, engine)
            #expect(done.text.contains("was restarted over SSH; it has 1 seconds"), "\(done.text)")
            #expect(try await Self.run(bed) != before)
            // Its silence goes on, and the power is not used while the engine has just started.
            let held = try await engine.event(.fenceSkipped, after: done.index)
            #expect(held.text.contains("the engine started less than"), "\(held.text)")
        }
    }

    /// Puts it out of service and in again, where it is called silent after its grace.
    private static func silence(_ host: UniqueID, _ engine: HostEngine) async throws -> EventRecord {
        let last = try await engine.lastEvent()
        try await engine.deactivate(host, reason: nil, by: "test", correlation: nil)
        try await engine.activate(host, by: "test", correlation: nil)
        return try await engine.event(.softFenced, after: last)
    }

    /// Another one after each start of the agent.
    private static func run(_ bed: EngineBed) async throws -> String {
        try await bed.server.shell("systemctl show --property InvocationID --value muster-serve.service")
    }
}
