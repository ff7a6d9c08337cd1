import AgentWire
import Foundation
import HostModel
import Synchronization
import Testing

@testable import Engine

/// Hosts get their next certificate without a person, a code, or a break.
@Suite(.timeLimit(.minutes(3))) struct CertificateRenewalTests {
    private static let day: Int64 = 86_400_000
    private static let user = "admin@internal"

    /// A clock that really goes, moved by a number of days.
    private final class ShiftedClock: Sendable {
        private let days: Mutex<Int64>
        init(days: Int64) { self.days = Mutex(days) }
        var wall: WallClock { WallClock { WallClock.system.now() + self.days.withLock(\.self) * day } }
        func set(days: Int64) { self.days.withLock { $0 = days } }
    }

    @Test("a certificate that ends within half a year is followed by the next one, for the same key, by itself; once")
    func byItself() async throws {
        let clock = ShiftedClock(days: -1700)
        let installation = try await ImageWorkTests.installation { settings in
            settings.clock = clock.wall
            settings.renewal.look = 20
        }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let first = try await engine.host(line.host)
            #expect(!line.agent.calls().contains("Host.renewCertificate"), "not before its time")
            clock.set(days: 0)
            let event = try #require(try await engine.event(.certificateIssued, host: line.host))
            #expect(event.user == nil && event.text.contains("for the key that was approved"), "\(event.text)")
            _ = try await engine.logs(of: line.host, lines: 1)
            let second = try await engine.host(line.host)
            #expect(try #require(second.certificateEnd) - (try #require(first.certificateEnd)) > 1600 * Self.day)
            let renewals = line.agent.calls().count { $0 == "Host.renewCertificate" }
            #expect(renewals == 1)
            let due = try await engine.store.hostsDueForCertificate(RenewalTimes(), at: clock.wall.now())
            #expect(due.isEmpty)
            try await line.agent.stop()
        }
    }

    @Test("a host whose certificate is over is refused by the monitor, and gets the next one all the same")
    func afterItsEnd() async throws {
        let clock = ShiftedClock(days: -1900)
        let installation = try await ImageWorkTests.installation { settings in
            settings.clock = clock.wall
            settings.renewal.look = 3_600_000
        }
        // The authority is older than what it signed.
        try FileManager.default.removeItem(atPath: installation.directory)
        try await HostEngine.initialize(installation.settings, adminPassword: TestInstallation.password)
        let (host, agent) = try await installation.running { engine in
            var node = try TestNode(name: "node-1")
            let agent = try await TestAgent(key: node.key)
            node.port = agent.port
            let enrolment = try await node.enrol(with: engine)
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: Self.user, correlation: nil)
            let progress = try await engine.claimProgress(enrolment.claim)
            agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
            return (enrolment.host, agent)
        }
        clock.set(days: 0)
        // The engine's own certificate is renewed at its start.
        try await installation.running { engine in
            try await engine.enrolCertificate(of: host, by: Self.user, correlation: "c1")
            let event = try #require(try await engine.event(.certificateIssued, host: host))
            #expect(event.user == Self.user && event.correlation == "c1")
            _ = try #require(try await engine.event(.hostDetected, host: host), "it is trusted again")
        }
        try await agent.stop()
    }

    @Test("what stands in the way is said: no certificate yet, an agent that is too old, a host that is away")
    func refusals() async throws {
        let installation = try await ImageWorkTests.installation { $0.monitoring.call = 2000 }
        try await installation.running { engine in
            let stranger = try await TestNode("machine-9", name: "node-9").enrol(with: engine, from: "192.0.2.9")
            func refusal(_ id: UniqueID) async -> EngineError? {
                await #expect(throws: EngineError.self) {
                    try await engine.enrolCertificate(of: id, by: Self.user, correlation: nil)
                }
            }
            #expect(await refusal(stranger.host)?.kind == .conflict)
            #expect(await refusal(.random())?.kind == .notFound)
            let line = try await ImageWorkTests.up(engine) { $0.refusesRenewal = true }
            #expect(await refusal(line.host)?.detail.contains("too old") == true)
            #expect(try await engine.host(line.host).certificateEnd != nil)
            try await line.agent.stop()
            line.agent.breakConnections()
            #expect(await refusal(line.host)?.kind == .unavailable)
        }
    }
}
