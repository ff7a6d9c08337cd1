import AgentWire
import Engine
import HostModel
import Testing

/// The whole line within the engine: claim, code, certificate, agent, bridge, up.
@Suite struct FirstLightTests {
    @Test func aBlankMachineBecomesAHost() async throws {
        let installation = try await TestInstallation()
        var node = try TestNode(name: "node-5a31")
        let agent = try await TestAgent(key: node.key)
        node.port = agent.port
        let claimed = node
        try await installation.running { engine in
            let enrolment = try await claimed.enrol(with: engine)
            #expect(enrolment.progress.state == .pending)
            #expect(try await engine.host(enrolment.host).status == .pendingApproval)
            try await engine.approve(
                enrolment.host,
                code: "\(enrolment.code)",
                by: "admin@internal",
                correlation: "c1"
            )
            let progress = try await engine.claimProgress(enrolment.claim)
            #expect(progress.state == .approved)
            agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
            #expect(try await engine.event(.hostDetected, host: enrolment.host) != nil)
            let host = try await engine.host(enrolment.host)
            #expect(host.status == .up)
            #expect(host.hardware?.memory == 4096)
            #expect(
                try await engine.events(EventQuery(host: enrolment.host, newestFirst: false)).map(\.code.rawValue)
                    == [828, 498, 509, 509, 509, 509, 504, 13]
            )
        }
        #expect(agent.isSafe)
        #expect(agent.calls().filter { $0 == HostVerb.setupNetworks.rawValue }.count == 1)
        try await agent.stop()
    }
}
