import AgentWire
import Foundation
import HostModel
import Logging
import Testing

@testable import Engine

/// An engine whose clock is wrong, and hosts of other versions.
@Suite struct ClockAndVersionTests {
    private static let year: Int64 = 365 * 24 * 3600

    @Test(
        "F27: a clock that is ten years off, either way, costs no host its place, its key or its certificate",
        arguments: [-10, 10]
    )
    func wrongClock(years: Int64) async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let engine = try await installation.open()
        var approved: [Enrolment] = []
        for number in 0..<3 {
            let node = try await TestNode(name: "node-\(number)").enrol(with: engine)
            try await engine.approve(node.host, code: "\(node.code)", by: "admin@internal", correlation: nil)
            approved.append(node)
        }
        let before = try await engine.hosts(matching: .all)
        clock.advance(seconds: years * Self.year)
        for _ in 0..<3 { try await engine.forgetWhatIsOver() }
        _ = try? await TestNode(name: "later").enrol(with: engine)
        clock.advance(seconds: -years * Self.year)
        try await engine.forgetWhatIsOver()
        let after = try await engine.hosts(matching: .all).filter { $0.name.rawValue.hasPrefix("node-") }
        #expect(after.map(\.id) == before.map(\.id) && after.map(\.status) == before.map(\.status))
        for node in approved {
            let standing = try await engine.store.watched(node.host)?.publicKey
            #expect(standing != nil && standing?.revoked == nil)
        }
        #expect(try EventAudit.check(installation.settings).findings.isEmpty)
    }

    @Test("F27: the clock jumps ten years while hosts are up: they stay up, and are not evicted")
    func jump() async throws {
        let offset = TestClock()
        let begin = offset.wall.now()
        let installation = try await TestInstallation { settings in
            settings.clock = WallClock { WallClock.system.now() + offset.wall.now() - begin }
        }
        try await installation.running { engine in
            let line = try await HostWatchTests.approved(engine)
            _ = try #require(try await engine.event(.hostDetected, host: line.host))
            for jump in [10 * Self.year, -20 * Self.year, 10 * Self.year] {
                offset.advance(seconds: jump)
                let calls = line.agent.calls().count
                // Several refreshes under the new time.
                while line.agent.calls().count < calls + 5 {
                    await engine.waitForEvent(after: engine.newestEvent, seconds: 1)
                }
                #expect(try await engine.host(line.host).status == .up)
            }
            #expect(try await engine.codes().contains(EventCode.hostFailure.rawValue) == false)
            try await line.agent.stop()
        }
    }

    @Test("F30: an agent of a later version brings fields that nobody knows: they are kept, and it is up")
    func newerAgent() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await HostWatchTests.approved(engine) { state in
                state.capabilities.supportedENGINEs += ["9.9"]
                state.capabilities.clusterLevels += ["9.9"]
                state.further = ["musterFutureThing": .object(["depth": .integer(7), "names": .array([.string("a")])])]
            }
            _ = try #require(try await engine.event(.hostDetected, host: line.host))
            let kept = try #require(try await engine.capabilities(of: line.host))
            #expect(kept.contains(#""musterFutureThing":{"#) && kept.contains(#""depth":7"#), "\(kept)")
            try await line.agent.stop()
        }
    }

    @Test(
        "F30: an agent of an earlier version does not know a verb: it is up, and what it cannot do is refused by a sentence"
    )
    func olderAgent() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let newer: Set<String> = ["Host.getLldp", "Host.getLogs", "Host.getDisks", "Host.planNetworks"]
            let line = try await HostWatchTests.approved(engine) { $0.unknown = newer }
            _ = try #require(try await engine.event(.hostDetected, host: line.host))
            let refusal = await #expect(throws: EngineError.self) { _ = try await engine.disks(of: line.host) }
            #expect(refusal?.detail.isEmpty == false)
            #expect(try await engine.host(line.host).status == .up)
            try await line.agent.stop()
        }
    }

    @Test(
        "F30: a claim of a later protocol is refused with the remedy; unknown fields in one of this protocol are no fault"
    )
    func claims() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var later = try TestNode().request()
        later.version = 2
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.receiveClaim(later, from: "192.0.2.1")
        }
        #expect(refusal?.detail.contains("version 2") == true && refusal?.remedy?.contains("image") == true)
        let known = try JSONEncoder().encode(try TestNode().request())
        var object = try #require(try JSONSerialization.jsonObject(with: known) as? [String: Any])
        object["measuredBoot"] = ["pcrs": [1, 2, 3]]
        let request = try JSONDecoder().decode(ClaimRequest.self, from: JSONSerialization.data(withJSONObject: object))
        _ = try await engine.receiveClaim(request, from: "192.0.2.1")
        #expect(try await engine.hosts(matching: .all).count == 1)
    }
}
