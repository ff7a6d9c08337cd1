import Crypto
import HostConversion
import HostModel
import Logging
import Testing

@testable import Engine

/// The last step of a conversion, whose agent does not come back.
@Suite struct ServerRebootTests {
    @Test("after a reboot that fails it is said why nothing was taken back", arguments: [true, false])
    func tellsWhyItWasLeft(undoesFailure: Bool) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let context = TransitionContext(now: 5, times: MonitoringTimes(), user: nil, correlation: nil)
        let server = NewServer(
            name: try #require(HostName("kvm-8")),
            address: "127.0.0.1",
            port: 1,
            cluster: nil,
            access: ServerAccess(address: "127.0.0.1")
        )
        var options = ConversionOptions()
        options.undoesFailure = undoesFailure
        let (id, job) = try await engine.store.addServer(server, options, context: context)
        try await engine.store.note(job, ConversionLine("reboot", "began"), at: 5) { row in
            row.stage = .reboot
            (row.detail.bootID, row.detail.rebootDeadline) = ("before", 0)
        }
        let scene = try AgentConnectionTests.Scene()
        let target = AgentAddress(
            host: id,
            address: "127.0.0.1",
            port: 1,
            publicKey: scene.key.publicKey.derRepresentation
        )
        let reboot = ServerReboot(
            job: job,
            host: try #require(try await engine.store.watched(id)),
            link: AgentLink(scene.dialer, target),
            store: engine.store,
            settings: installation.settings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await reboot.run(try #require(try await engine.store.conversion(job)))
        let ended = try await engine.job(job)
        #expect(ended.status == .failed && ended.error?.contains("did not come back") == true, "\(ended)")
        #expect(ended.remedy?.contains("It was not taken back") == undoesFailure, "\(ended)")
        #expect(try await engine.host(id).status == .initializing, "it is watched for its return")
    }
}
