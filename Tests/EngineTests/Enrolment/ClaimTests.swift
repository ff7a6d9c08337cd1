import Crypto
import HostModel
import SwiftASN1
import Testing
import X509

@testable import Engine

/// Claims by machines that lie, repeat themselves, or flood.
@Suite struct ClaimTests {
    @Test func aNewMachineWaitsForApproval() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web-1")
        let enrolment = try await node.enrol(with: engine)
        let host = try await engine.host(enrolment.host)
        #expect(host.status == .pendingApproval)
        #expect(host.name.rawValue == "web-1")
        #expect(host.macs == [node.mac])
        #expect(host.claims.map(\.state) == [.pending])
        #expect(enrolment.progress.host == nil && enrolment.progress.certificate == nil)
        #expect(try await engine.codes() == [828])
    }

    @Test func namesAreMadeUnique() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        for _ in 0..<3 { _ = try await TestNode(name: "web").enrol(with: engine) }
        _ = try await TestNode().enrol(with: engine)
        let names = try await engine.hosts(matching: .all).map(\.name.rawValue)
        #expect(names.filter { $0 == "web" }.count == 1)
        #expect(names.filter { $0.hasPrefix("web-") }.count == 2)
        #expect(names.filter { $0.hasPrefix("node-") && $0.count == 9 }.count == 1)
    }

    @Test("A4: a recorded claim that is sent once more is refused, whoever sends it, and recorded")
    func aReplayedCommitmentIsRefused() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let request = try TestNode().request()
        _ = try await engine.receiveClaim(request, from: "192.0.2.1")
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.receiveClaim(request, from: "192.0.2.2")
        }
        #expect(refusal?.kind == .conflict)
        let event = try #require(try await engine.events(EventQuery(max: 1)).first)
        #expect(event.code == .claimReplayed && event.severity == .warning)
        #expect(event.text.contains("192.0.2.2"), "who sent it again")
        #expect(try await engine.hosts(matching: .all).count == 1)
    }

    @Test func aWrongNonceEndsTheClaim() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode()
        let reply = try await engine.receiveClaim(try node.request(), from: "192.0.2.1")
        let wrong = await #expect(throws: EngineError.self) {
            try await engine.openClaim(reply.claim, ClaimOpening(nonce: .random()))
        }
        #expect(wrong?.kind == .invalid)
        let late = await #expect(throws: EngineError.self) {
            try await engine.openClaim(reply.claim, ClaimOpening(nonce: node.nonce))
        }
        #expect(late?.kind == .notFound, "there is no second try, and nothing is left of a machine that only knocked")
    }

    @Test func anOpeningWhoseAnswerWasLostMayBeRepeated() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode()
        let enrolment = try await node.enrol(with: engine)
        let again = try await engine.openClaim(enrolment.claim, ClaimOpening(nonce: node.nonce))
        #expect(again.state == .pending)
        #expect(try await engine.codes() == [828], "and is told once")
    }

    @Test func theSameKeyReplacesItsOlderClaim() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var node = try TestNode()
        let first = try await node.enrol(with: engine)
        node.nonce = .random()
        let second = try await node.enrol(with: engine)
        #expect(first.host == second.host)
        #expect(try await engine.claimProgress(first.claim).state == .expired)
        #expect(try await engine.host(first.host).claims.map(\.id) == [second.claim])
        let stale = await #expect(throws: EngineError.self) {
            try await engine.approve(first.host, code: "\(first.code)", by: "admin@internal", correlation: nil)
        }
        #expect(stale?.detail.contains("expired") == true)
        try await engine.approve(first.host, code: "\(second.code)", by: "admin@internal", correlation: nil)
    }

    @Test("A2: a claim with the machine id, the card and the name of an approved host changes nothing of that host")
    func aClaimOnAnUpHostChangesNothingOfIt() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let before = try await engine.host(enrolment.host)
        var thief = try TestNode(node.hardwareID.rawValue, name: "web", port: 666)
        thief.mac = node.mac
        thief.address = try #require(IPv4Address("192.0.2.66"))
        let claim = try await thief.enrol(with: engine, from: "192.0.2.66")
        #expect(claim.host == enrolment.host)
        #expect(claim.progress.name == before.name)
        var after = try await engine.host(enrolment.host)
        #expect(after.claims.map(\.id) == [claim.claim], "the claim is shown beside the host")
        after.claims = []
        #expect(after == before)
        #expect(try await engine.claimProgress(claim.claim).certificate == nil)
        let events = try await engine.events(EventQuery(max: 1))
        #expect(events.first?.code == .claimReceived)
        #expect(events.first?.severity == .warning)
        // The host's own key still counts.
        #expect(try await engine.claimProgress(enrolment.claim).state == .approved)
    }

    @Test(
        "A3: the same machine id with another key is held until a person approves its code; then the old key counts no more"
    ) func approvingTheClaimOfAKnownHostSwapsTheKey() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        var reborn = try TestNode(node.hardwareID.rawValue)
        reborn.address = try #require(IPv4Address("192.0.2.9"))
        let claim = try await reborn.enrol(with: engine)
        try await engine.approve(claim.host, code: "\(claim.code)", by: "admin@internal", correlation: nil)
        let host = try await engine.host(claim.host)
        #expect(host.address == "192.0.2.9")
        #expect(host.status == .installing)
        #expect(host.name.rawValue == "web")
        #expect(try await engine.codes().contains(EventCode.certificateRevoked.rawValue))
        let former = try await engine.claimProgress(enrolment.claim)
        #expect(former.state == .expired && former.certificate == nil, "the former key is worth nothing")
        let certificate = try #require(try await engine.claimProgress(claim.claim).certificate)
        let leaf = try leafCertificate(of: certificate)
        #expect(P256.Signing.PublicKey(leaf.publicKey)?.rawRepresentation == reborn.key.publicKey.rawRepresentation)
    }

    @Test("A1: open claims of one source and of all have a limit, and a newcomer is not turned away")
    func floodsAreLimited() async throws {
        let installation = try await TestInstallation { settings in
            settings.enrolment.openClaimsMax = 6
            settings.enrolment.openClaimsPerSourceMax = 3
        }
        let engine = try await installation.open()
        for _ in 0..<3 { _ = try await TestNode().enrol(with: engine, from: "192.0.2.1") }
        let one = await #expect(throws: EngineError.self) {
            try await TestNode().enrol(with: engine, from: "192.0.2.1")
        }
        #expect(one?.kind == .tooMany)
        for _ in 0..<3 { _ = try await TestNode().enrol(with: engine, from: "192.0.2.2") }
        // A newcomer is not refused: the oldest of whoever has most gives way.
        let newcomer = try await TestNode().enrol(with: engine, from: "192.0.2.3")
        #expect(newcomer.progress.state == .pending)
        #expect(try await engine.hosts(matching: .all).count == 6)
    }

    @Test("A1: claims of one source are counted, and those of others are not in its way") func oneSourceMayNotHammer()
        async throws
    {
        let installation = try await TestInstallation { $0.enrolment.claimsPerMinutePerSource = 2 }
        let engine = try await installation.open()
        var node = try TestNode()
        for _ in 0..<2 {
            node.nonce = .random()
            _ = try await node.enrol(with: engine)
        }
        node.nonce = .random()
        let refusal = await #expect(throws: EngineError.self) { try await node.enrol(with: engine) }
        #expect(refusal?.kind == .tooMany)
        _ = try await node.enrol(with: engine, from: "192.0.2.99")
    }

    @Test func claimsExpire() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let engine = try await installation.open()
        let enrolment = try await TestNode().enrol(with: engine)
        let unopened = try await engine.receiveClaim(try TestNode().request(), from: "192.0.2.1")
        #expect(try await engine.hosts(matching: .all).count == 2)
        clock.advance(seconds: 301)
        #expect(try await engine.claimProgress(enrolment.claim).state == .pending)
        #expect(try await engine.claimProgress(unopened.claim).state == .expired)
        try await engine.forgetWhatIsOver()
        await #expect(throws: EngineError.self) { try await engine.claimProgress(unopened.claim) }
        #expect(try await engine.hosts(matching: .all).count == 1, "a machine that only knocked is forgotten")
        clock.advance(seconds: 24 * 3600)
        #expect(try await engine.claimProgress(enrolment.claim).state == .expired)
        let stale = await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        }
        #expect(stale?.kind == .conflict)
        #expect(stale?.detail.contains("expired") == true)
        try await engine.forgetWhatIsOver()
        clock.advance(seconds: 8 * 24 * 3600)
        try await engine.forgetWhatIsOver()
        await #expect(throws: EngineError.self) { try await engine.claimProgress(enrolment.claim) }
        #expect(try await engine.hosts(matching: .all).isEmpty)
    }

    @Test("A15: the source of a claim is escaped in events, and names with SQL in them are names")
    func hostileTextIsEscapedInEvents() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        _ = try await TestNode().enrol(with: engine, from: "\u{1B}[2J'; DROP TABLE host;--")
        let event = try #require(try await engine.events(EventQuery()).first)
        #expect(!event.text.contains("\u{1B}"))
        #expect(try await engine.hosts(matching: HostFilter(name: "' OR 1=1 --*")).isEmpty)
        #expect(try await engine.hosts(matching: .all).count == 1)
    }
}

/// oVirt's own registration, which brings no key.
@Suite struct LegacyRegistrationTests {
    @Test func aNodeWithoutAKeyWaits() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let request = LegacyRegistration(
            uniqueID: "4C4C4544-0042",
            name: "old node!",
            address: "old.example.org",
            source: "192.0.2.1"
        )
        try await engine.register(request)
        try await engine.register(request)
        let host = try #require(try await engine.hosts(matching: .all).first)
        #expect(host.status == .pendingApproval)
        #expect(host.hardwareID?.rawValue == "4c4c4544-0042")
        #expect(try await engine.codes() == [828], "the second registration is known already")
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(host.id, code: nil, by: "admin@internal", correlation: nil)
        }
        #expect(refusal?.kind == .conflict)
    }

    @Test(arguments: ["", "!!!", " "])
    func anEmptyIDIsRefused(_ id: String) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let request = LegacyRegistration(uniqueID: id, name: "x", address: "192.0.2.1", source: "192.0.2.1")
        let refusal = await #expect(throws: EngineError.self) { try await engine.register(request) }
        #expect(refusal?.kind == .invalid)
        #expect(try await engine.codes() == [834])
    }
}
