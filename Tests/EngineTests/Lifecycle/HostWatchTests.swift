import AgentWire
import Engine
import HostModel
import Testing

/// The engine against an agent that speaks real frames over real TLS: faults, restarts, and the way back.
@Suite struct HostWatchTests {
    /// A machine whose claim is approved and whose agent has its certificate.
    struct Line: Sendable {
        var host: UniqueID
        var agent: TestAgent
    }

    static func approved(
        _ engine: HostEngine,
        _ change: (inout sending TestAgent.State) -> Void = { _ in }
    ) async throws -> Line {
        var node = try TestNode(name: "node-1")
        let agent = try await TestAgent(key: node.key)
        agent.change(change)
        node.port = agent.port
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let progress = try await engine.claimProgress(enrolment.claim)
        agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
        return Line(host: enrolment.host, agent: agent)
    }

    @Test func theAddressMovesAndBreaksTheConnection() async throws {
        let installation = try await TestInstallation()
        let line = try await installation.running { engine in
            let line = try await Self.approved(engine) { $0.setup = .breaksUntilConfirmed }
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            return line
        }
        #expect(line.agent.calls().filter { $0 == HostVerb.setupNetworks.rawValue }.count == 1)
        #expect(line.agent.calls().contains(HostVerb.confirmConnectivity.rawValue))
        try await line.agent.stop()
    }

    @Test func aRefusedSetupFailsAndIsTriedAgainWithoutACode() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine) { state in
                state.setup = .fails(RPCError(.badNIC, "unknown nic \u{1B}[31m"))
            }
            let event = try #require(try await engine.event(.installFailed, host: line.host))
            #expect(event.text.contains("Set up the management network"))
            #expect(event.text.contains("unknown nic"))
            #expect(!event.text.contains("\u{1B}"))
            #expect(event.severity == .error)
            #expect(try await engine.event(.managementNetworkFailed, host: line.host) != nil)
            let failed = try await engine.host(line.host)
            #expect(failed.status == .installFailed)
            #expect(failed.statusDetail == "management_network")
            line.agent.change { $0.setup = .works }
            try await engine.approve(line.host, code: nil, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func aHostThatTookTheNetworkBackIsNotInstalled() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine) { $0.setup = .lost }
            let event = try #require(try await engine.event(.installFailed, host: line.host))
            #expect(event.text.contains("connectivity check failed"))
            #expect(try await engine.host(line.host).status == .installFailed)
            try await line.agent.stop()
        }
    }

    @Test("A11: the certificate of host A answers as host B: not one call reaches it, and it is recorded")
    func anotherKeyIsNotTheHost() async throws {
        let installation = try await TestInstallation { $0.monitoring.firstContact = 300 }
        try await installation.running { engine in
            var node = try TestNode(name: "node-1")
            let stranger = try TestNode()
            let agent = try await TestAgent(key: stranger.key)
            node.port = agent.port
            // The stranger has a good certificate of the same CA, for another host.
            let other = try await stranger.enrol(with: engine)
            try await engine.approve(other.host, code: "\(other.code)", by: "admin@internal", correlation: nil)
            let progress = try await engine.claimProgress(other.claim)
            agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
            let enrolment = try await node.enrol(with: engine)
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
            let event = try #require(try await engine.event(.installFailed, host: enrolment.host))
            #expect(event.text.contains("Wait for the agent"))
            #expect(event.text.contains("is refused"))
            #expect(agent.calls().isEmpty, "not one call reached the stranger")
            try await agent.stop()
        }
    }

    @Test func noKVMIsNotOperationalUntilItRuns() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine) { ($0.capabilities.kvmEnabled, $0.guests) = ("false", 3) }
            #expect(try await engine.event(.nonOperational, host: line.host) != nil)
            let host = try await engine.host(line.host)
            #expect(host.figures?.activeGuests == 3 && host.figures?.idlePercent == 100, "it was heard")
            #expect(host.hardware?.seLinux == "enforcing" && host.hardware?.kdump == "unknown")
            #expect(try await engine.hosts(matching: .all).map(\.figures) == [host.figures])
            #expect(host.status == .nonOperational)
            #expect(host.statusDetail == "kvm_not_running")
            line.agent.change { $0.capabilities.kvmEnabled = "true" }
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func aHostWithoutSELinuxIsWarnedOfOnceAndTaken() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine) { $0.capabilities.selinux = .init(mode: "-1") }
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            let codes = try await engine.codes()
            #expect(codes.filter { $0 == EventCode.selinuxNotEnforcing.rawValue }.count == 1)
            try await line.agent.stop()
        }
    }

    @Test func aRecoveringAgentIsWaitedFor() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine)
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            line.agent.change { $0.isRecovering = true }
            let recovering = try #require(try await engine.event(.hostRecovering, host: line.host))
            line.agent.change { $0.isRecovering = false }
            #expect(try await engine.event(.hostDetected, after: recovering.index, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func aSilentHostIsGivenUpAfterTheGracePeriod() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine)
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            line.agent.change { $0.certificate = nil }
            line.agent.breakConnections()
            #expect(try await engine.event(.hostConnecting, host: line.host) != nil)
            let lost = try #require(try await engine.event(.hostFailure, host: line.host))
            #expect(try await engine.host(line.host).status == .nonResponsive)
            line.agent.restoreCertificate()
            #expect(try await engine.event(.hostDetected, after: lost.index, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func removingAHostEndsItsConnection() async throws {
        let installation = try await TestInstallation()
        try await installation.running { engine in
            let line = try await Self.approved(engine)
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            await #expect(throws: EngineError.self) {
                try await engine.remove(line.host, force: false, by: "admin@internal", correlation: nil)
            }
            try await engine.remove(line.host, force: true, by: "admin@internal", correlation: nil)
            try await line.agent.waitUntilDisconnected()
            #expect(try await engine.hosts(matching: .all).isEmpty)
            try await line.agent.stop()
        }
    }

    /// The engine ends at each step of the installation, as it would by kill -9, and goes on when it is started anew.
    @Test("F1: the engine ends at each step of an installation and goes on when it is started anew", arguments: 1...4)
    func aRestartedEngineGoesOn(fromStep step: Int) async throws {
        let installation = try await TestInstallation()
        let line = try await installation.running { engine in
            let line = try await Self.approved(engine)
            var seen: Int64 = 0
            for _ in 0..<step {
                seen = try #require(try await engine.event(.installStep, after: seen, host: line.host)).index
            }
            return line
        }
        try await installation.running { engine in
            #expect(try await engine.event(.hostDetected, host: line.host) != nil)
            let events = try await engine.events(EventQuery(host: line.host, max: 1000, newestFirst: false))
            let codes = events.map(\.code.rawValue)
            #expect(codes.filter { $0 == 498 }.count == 1, "approved once")
            #expect(codes.filter { $0 == 504 }.count == 1, "installed once")
            #expect(codes.filter { $0 == 509 }.count == 4, "each step told once")
            #expect(!codes.contains(505))
            #expect(try await engine.host(line.host).status == .up)
        }
        try await line.agent.stop()
    }

    /// The engine ends while the agent waits for its voice: the next one must be heard, or the agent takes all back.
    @Test(arguments: [TestAgent.Setup.works, .breaksUntilConfirmed, .unowned(looks: 3)])
    func aRestartDuringTheChangeIsHeardInTime(_ setup: TestAgent.Setup) async throws {
        let installation = try await TestInstallation()
        let line = try await installation.running { engine in
            let line = try await Self.approved(engine) { state in
                state.setup = setup
                state.mute = [HostVerb.confirmConnectivity.rawValue]
            }
            await line.agent.waitForChange()
            return line
        }
        #expect(line.agent.isChanging, "the engine ended in the middle")
        line.agent.change { $0.mute = [] }
        try await installation.running { engine in
            let up = try await engine.event(.hostDetected, host: line.host)
            let codes = try await engine.codes()
            #expect(up != nil)
            #expect(!codes.contains(EventCode.installFailed.rawValue))
        }
        #expect(line.agent.calls().filter { $0 == HostVerb.setupNetworks.rawValue }.count == 1)
        #expect(line.agent.isSafe)
        #expect(line.agent.hasManagementNetwork)
        try await line.agent.stop()
    }

    /// Approved with nobody running, and up once somebody runs.
    @Test func anApprovalOutlivesTheEngine() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let line = try await Self.approved(engine)
        #expect(try await engine.host(line.host).status == .installing)
        let up = try await installation.running(engine) { try await $0.event(.hostDetected, host: line.host) }
        #expect(up != nil)
        try await line.agent.stop()
    }
}
