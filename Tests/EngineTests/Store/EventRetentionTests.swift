import Engine
import HostModel
import Testing

/// A flood of one class of events leaves the others alone.
@Suite struct EventRetentionTests {
    @Test func bootStepsPushOutNothingButBootSteps() async throws {
        let installation = try await TestInstallation { settings in
            (settings.retention.boot, settings.retention.strangers) = (100, 10)
        }
        let engine = try await installation.open()
        let enrolment = try await TestNode(name: "web").enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        for call in 0..<24 {
            let steps = (0..<100).compactMap { step in
                MACAddress(octets: [2, 0, 0, 0, UInt8(call), UInt8(step)])
                    .map { BootEvent(mac: $0, stage: .failed, detail: "no such file") }
            }
            try await engine.record(steps)
        }
        let events = try await engine.events(EventQuery(max: 1000, newestFirst: false))
        #expect(events.first?.code == .registered, "one of a stranger's is within its share")
        #expect(events.contains { $0.code == .approved })
        #expect(events.filter { $0.code.class == .boot }.count < 600)
    }
}
