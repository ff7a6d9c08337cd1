import AgentWire
import GRDB
import HostModel
import Testing

@testable import Engine

/// A conversion that is taken back on failure, and whose host comes up and does not fit its cluster.
@Suite struct ProofTests {
    /// A host that was converted and is installed over its agent now.
    private struct Bed: Sendable {
        var host: UniqueID
        var job: UniqueID
        var agent: TestAgent
    }

    private static func converted(_ engine: HostEngine, hasKVM: Bool) async throws -> Bed {
        var node = try TestNode(name: "kvm-8")
        let agent = try await TestAgent(key: node.key)
        agent.change { $0.capabilities.kvmEnabled = hasKVM ? "true" : "false" }
        node.port = agent.port
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        var details = ConversionRow.Details()
        (details.options.undoesFailure, details.hasBegun) = (true, true)
        let proof = ConversionRow.Step(ConversionSteps.proofName, "Come up, and be fit for the cluster")
        let row = ConversionRow(
            id: .random(),
            kind: .convert,
            host: enrolment.host,
            hostName: try #require(HostName("kvm-8")),
            state: .started,
            stage: .network,
            steps: try ColumnJSON.encode(ConversionSteps.before + [proof]),
            details: try ColumnJSON.encode(details),
            started: 5
        )
        try await engine.store.write { try row.insert($0) }
        let progress = try await engine.claimProgress(enrolment.claim)
        agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
        return Bed(host: enrolment.host, job: row.id, agent: agent)
    }

    @Test("what is not mended in its time is told with the reason, and taken back")
    func takenBack() async throws {
        let installation = try await TestInstallation {
            $0.monitoring.proof = 500
            $0.conversions.poll = 20
        }
        try await installation.running { engine in
            let bed = try await Self.converted(engine, hasKVM: false)
            let warning = try #require(try await engine.event(.conversionUnfit, host: bed.host))
            #expect(warning.text.contains("is taken back in") && warning.text.contains("KVM does not run"))
            let failed = try #require(try await engine.event(.installFailed, host: bed.host))
            #expect(failed.text.contains("came up and is not operational. KVM does not run on it"), "\(failed)")
            // Nobody ever signed in to this server, so the way back ends at once and says so.
            _ = try #require(try await engine.event(.installStepFailed, host: bed.host))
            let job = try await engine.job(bed.job)
            #expect(job.status == .failed && job.error?.contains("is not operational") == true, "\(job)")
            #expect(job.remedy?.contains("could not be taken back") == true, "\(job)")
            #expect(job.steps.first { $0.name == "prove" }?.status == .failed, "\(job)")
            let host = try await engine.host(bed.host)
            #expect(host.status == .installFailed && host.statusDetail == "prove")
            try await bed.agent.stop()
        }
    }

    @Test("what is mended in its time is up, and the conversion has ended well", arguments: [true, false])
    func mended(hasKVM: Bool) async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let bed = try await Self.converted(engine, hasKVM: hasKVM)
            if !hasKVM {
                _ = try #require(try await engine.event(.conversionUnfit, host: bed.host))
                #expect(try await engine.job(bed.job).status == .started)
                bed.agent.change { $0.capabilities.kvmEnabled = "true" }
            }
            _ = try #require(try await engine.event(.hostDetected, host: bed.host))
            let job = try await engine.job(bed.job)
            #expect(job.status == .finished && job.steps.allSatisfy { $0.status == .finished }, "\(job)")
            try await bed.agent.stop()
        }
    }

    @Test("it can be ended while it is watched; then the host stays what it is")
    func aborted() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let bed = try await Self.converted(engine, hasKVM: false)
            _ = try #require(try await engine.event(.conversionUnfit, host: bed.host))
            let job = try await engine.abortJob(bed.job, by: "admin@internal", correlation: nil)
            #expect(job.status == .aborted && job.remedy?.hasPrefix("It stays a host;") == true, "\(job)")
            #expect(try await engine.host(bed.host).status == .nonOperational)
            try await bed.agent.stop()
        }
    }
}
