import Glibc
import HostModel
import Testing

@testable import Engine

/// fence_redfish and a Redfish service that nobody here wrote.
@Suite(
    .enabled(
        if: RedfishBoard.emulator != nil,
        "sushy-emulator is not installed; `make test-power` fetches it and runs this"
    )
)
struct RedfishTests {
    private static func installation() async throws -> TestInstallation {
        try await TestInstallation { settings in
            (settings.power.poll, settings.power.ask) = (20, 100)
        }
    }

    private static func add(_ settings: FenceAgentSettings, _ password: String, _ engine: HostEngine) async throws
        -> UniqueID
    {
        let host = try await TestNode(name: "bare-1").enrol(with: engine).host
        let user = "admin@internal"
        _ = try await engine.addFenceAgent(to: host, settings, password: Secret(password), by: user, correlation: nil)
        return host
    }

    @Test("a Redfish board: status, on with a boot from the network, off") func board() async throws {
        let board = try RedfishBoard()
        try await Self.installation().running { engine in
            let host = try await Self.add(board.settings(), "s3cret-of-it", engine)
            #expect(try await engine.powerStatus(of: host) == .off)
            let on = try await engine.switchPower(
                host,
                .on,
                bootsFromNetwork: true,
                by: "admin@internal",
                correlation: nil
            )
            let event = try #require(try await engine.event(.powerFinished, host: host, within: 120))
            #expect(try await engine.job(on.id).status == .finished)
            #expect(try await engine.powerStatus(of: host) == .on)
            let calls = board.log.split(separator: "\n")
            let system = "/redfish/v1/Systems/\(RedfishBoard.system)"
            let boot = try #require(calls.firstIndex { $0.contains("PATCH \(system) ") && $0.contains(" 204 ") })
            let start = try #require(calls.firstIndex { $0.contains("POST \(system)/Actions/ComputerSystem.Reset") })
            #expect(boot < start, "\(board.log)")
            _ = try await engine.switchPower(host, .off, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.powerFinished, after: event.index, host: host, within: 120) != nil)
            #expect(try await engine.powerStatus(of: host) == .off)
        }
    }

    @Test("F28: a wrong password is a fault of its host, told without it") func wrongPassword() async throws {
        let board = try RedfishBoard()
        try await Self.installation().running { engine in
            let host = try await Self.add(board.settings(), "wr0ng one", engine)
            let error = await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            #expect(error.map { !$0.description.contains("wr0ng") && $0.remedy != nil } ?? false)
            #expect(try await engine.host(host).power.fault != nil)
            #expect(board.log.contains(" 401 "), "\(board.log)")
        }
    }

    @Test("a board whose certificate nobody vouches for gets no password, unless that is wanted") func stranger()
        async throws
    {
        let board = try RedfishBoard()
        try await Self.installation().running { engine in
            let host = try await Self.add(board.settings(trusts: false), "s3cret-of-it", engine)
            await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            _ = try await engine.switchPower(host, .on, bootsFromNetwork: true, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.fenceFailed, host: host, within: 120) != nil)
            #expect(!board.log.contains("/redfish/v1"), "\(board.log)")
        }
    }
}
