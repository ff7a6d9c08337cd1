import Crypto
import HostModel
import Testing

@testable import Engine

/// Who was turned away stays away for a time, and a person can take that back.
@Suite struct RejectionTests {
    private let clock = TestClock()

    private func installation() async throws -> TestInstallation {
        let clock = clock
        return try await TestInstallation { $0.clock = clock.wall }
    }

    @Test(arguments: [false, true])
    func aRejectedMachineDoesNotComeBackAtOnce(withAnotherKey: Bool) async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        var node = try TestNode(name: "web")
        let enrolment = try await node.enrol(with: engine)
        try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        #expect(try await engine.hosts(matching: .all).isEmpty)
        #expect(try await engine.claimProgress(enrolment.claim).state == .rejected, "its poll is answered")
        node.nonce = .random()
        if withAnotherKey { node.key = P256.Signing.PrivateKey() }
        let reply = try await engine.receiveClaim(try node.request(), from: "192.0.2.7")
        #expect(try await engine.openClaim(reply.claim, ClaimOpening(nonce: node.nonce)).state == .rejected)
        #expect(try await engine.claimProgress(reply.claim).state == .rejected)
        #expect(try await engine.hosts(matching: .all).isEmpty)
        let kept = try #require(try await engine.rejections().first)
        #expect((kept.name, kept.user, kept.hardwareID) == ("web", "admin@internal", node.hardwareID))
        clock.advance(seconds: 24 * 3600)
        node.nonce = .random()
        #expect(try await node.enrol(with: engine).progress.state == .pending, "a day later it may ask again")
        #expect(try await engine.rejections().isEmpty)
    }

    @Test func aPersonTakesItBack() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        var node = try TestNode()
        let enrolment = try await node.enrol(with: engine)
        try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        let rejection = try #require(try await engine.rejections().first)
        try await engine.readmit(rejection.id, by: "admin@internal", correlation: nil)
        #expect(try await engine.codes().last == EventCode.rejectionUndone.rawValue)
        node.nonce = .random()
        #expect(try await node.enrol(with: engine).progress.state == .pending)
        await #expect(throws: EngineError.self) {
            try await engine.readmit(rejection.id, by: "admin@internal", correlation: nil)
        }
    }

    @Test func aRivalThatIsRejectedDoesNotKeepTheHostOut() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        var rival = try TestNode(node.hardwareID.rawValue)
        _ = try await rival.enrol(with: engine, from: "192.0.2.66")
        try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        rival.nonce = .random()
        let reply = try await engine.receiveClaim(try rival.request(), from: "192.0.2.66")
        #expect(try await engine.claimProgress(reply.claim).state == .rejected, "its key is")
        let reborn = try await TestNode(node.hardwareID.rawValue).enrol(with: engine)
        #expect(reborn.progress.state == .pending)
    }

    @Test func aRejectedNodeOfTheOldProtocolIsToldSo() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        let request = LegacyRegistration(uniqueID: "old", name: "old", address: "192.0.2.1", source: "192.0.2.1")
        try await engine.register(request)
        let host = try #require(try await engine.hosts(matching: .all).first)
        try await engine.reject(host.id, by: "admin@internal", correlation: nil)
        let refusal = await #expect(throws: EngineError.self) { try await engine.register(request) }
        #expect(refusal?.kind == .forbidden)
        #expect(try await engine.hosts(matching: .all).isEmpty)
    }
}
