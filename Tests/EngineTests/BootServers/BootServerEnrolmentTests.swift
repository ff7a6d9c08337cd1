import Crypto
import HostModel
import SwiftASN1
import Testing
import X509

@testable import Engine

/// Boot servers on other segments: enrolled as nodes are, and never more than boot servers.
@Suite struct BootServerEnrolmentTests {
    /// Its side, as docs/protocols.md tells it.
    private struct Asker {
        let key = P256.Signing.PrivateKey()
        let nonce = Nonce.random()
        var name: String? = "rack-7"

        func request() throws -> BootClaimRequest {
            let csr = try CertificateSigningRequest(
                version: .v1,
                subject: try DistinguishedName { CommonName("engine") },
                privateKey: Certificate.PrivateKey(key),
                attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: .ecdsaWithSHA256
            )
            return BootClaimRequest(
                certificateRequest: try csr.serializeAsPEM().pemString,
                nonceHash: try require(Nonce(bytes: Array(SHA256.hash(data: nonce.bytes)))),
                name: name.flatMap { HostName($0) }
            )
        }

        /// Claims and opens its nonce; then it shows this code.
        func enrol(with engine: HostEngine, from peer: String = "192.0.2.7") async throws -> (
            claim: UniqueID, code: String
        ) {
            let reply = try await engine.receiveBootClaim(try request(), from: peer)
            #expect(try await engine.openBootClaim(reply.claim, ClaimOpening(nonce: nonce)).state == .pending)
            let authority = try Certificate(pemEncoded: reply.authority)
            let transcript = ApprovalCode.transcript(
                nodeKey: key.publicKey.derRepresentation,
                authorityKey: try require(P256.Signing.PublicKey(authority.publicKey)).derRepresentation,
                engineNonce: reply.engineNonce,
                nodeNonce: nonce
            )
            return (reply.claim, "\(try require(ApprovalCode(digest: Array(SHA256.hash(data: transcript)))))")
        }
    }

    private static let admin = "admin@internal"

    @Test("approved by its code it has the role of a boot server, and nothing of the request's subject")
    func approval() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let asker = Asker()
        let (claim, code) = try await asker.enrol(with: engine)
        #expect(try await engine.bootServers().map(\.status) == [.waiting])
        try await engine.approveBootServer("rack-7", code: code, by: Self.admin, correlation: nil)
        let progress = try await engine.bootClaimProgress(claim)
        #expect(progress.state == .approved && progress.host == claim)
        let leaf = try leafCertificate(of: try require(progress.certificate))
        #expect("\(leaf.subject)".contains("192.0.2.7") && !"\(leaf.subject)".contains("CN=engine"))
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        let shown = try require(ShownLeaf(der: serializer.serializedBytes))
        #expect(shown.role == "muster:boot/\(claim)")
        let key = asker.key.publicKey.derRepresentation
        #expect(try await engine.segmentDirectory(role: shown.role, key: key)?.name.rawValue == "rack-7")
        // Neither another role, nor another key, nor another id.
        let other = P256.Signing.PrivateKey().publicKey.derRepresentation
        #expect(try await engine.segmentDirectory(role: "muster:host/\(claim)", key: key) == nil)
        #expect(try await engine.segmentDirectory(role: shown.role, key: other) == nil)
        #expect(try await engine.segmentDirectory(role: "muster:boot/\(UniqueID.random())", key: key) == nil)
        #expect(try await engine.hosts(matching: .all).isEmpty, "it is no host")
        try await engine.removeBootServer("rack-7", by: Self.admin, correlation: nil)
        #expect(try await engine.segmentDirectory(role: shown.role, key: key) == nil)
        #expect(try await engine.codes() == [20_110, 20_112, 20_115])
    }

    @Test func wrongCodesCloseTheClaim() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let (claim, _) = try await Asker().enrol(with: engine)
        let (_, other) = try await Asker(name: "other").enrol(with: engine)
        for _ in 0..<installation.settings.enrolment.wrongCodesPerClaimMax {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.approveBootServer("rack-7", code: other, by: Self.admin, correlation: nil)
            }
            #expect(refusal?.kind == .conflict)
        }
        let gone = await #expect(throws: EngineError.self) { try await engine.bootClaimProgress(claim) }
        #expect(gone?.kind == .notFound)
        let none = await #expect(throws: EngineError.self) {
            try await engine.approveBootServer("other", code: nil, by: Self.admin, correlation: nil)
        }
        #expect(none?.kind == .conflict, "there is no approval without a code")
    }

    @Test func aDeniedOneIsToldSoForADay() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let engine = try await installation.open()
        let asker = Asker()
        let (claim, _) = try await asker.enrol(with: engine)
        try await engine.denyBootServer("rack-7", by: Self.admin, correlation: nil)
        #expect(try await engine.bootClaimProgress(claim).state == .rejected)
        #expect(try await engine.bootServers().map(\.status) == [.denied])
        clock.advance(seconds: 24 * 3600)
        #expect(try await engine.bootServers().isEmpty)
        #expect(try await Asker().enrol(with: engine).claim != claim)
    }

    @Test("a flood of claims costs the flooder, and never the one who came before from elsewhere")
    func flood() async throws {
        let installation = try await TestInstallation { settings in
            (settings.bootServers.openMax, settings.bootServers.openPerSourceMax) = (6, 4)
        }
        let engine = try await installation.open()
        let (claim, _) = try await Asker(name: "genuine").enrol(with: engine, from: "192.0.2.1")
        for _ in 0..<4 { _ = try await Asker(name: "flood").enrol(with: engine, from: "192.0.2.66") }
        let refusal = await #expect(throws: EngineError.self) {
            try await Asker(name: "flood").enrol(with: engine, from: "192.0.2.66")
        }
        #expect(refusal?.kind == .tooMany)
        for last in 2..<5 { _ = try await Asker(name: "other").enrol(with: engine, from: "192.0.2.\(last)") }
        #expect(try await engine.bootServers().count == 6)
        #expect(try await engine.bootClaimProgress(claim).state == .pending)
    }

    @Test func aReplayedClaimAndAWrongNonceAreRefused() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let asker = Asker()
        let request = try asker.request()
        let reply = try await engine.receiveBootClaim(request, from: "192.0.2.1")
        let replay = await #expect(throws: EngineError.self) {
            try await engine.receiveBootClaim(request, from: "192.0.2.2")
        }
        #expect(replay?.kind == .conflict)
        let wrong = await #expect(throws: EngineError.self) {
            try await engine.openBootClaim(reply.claim, ClaimOpening(nonce: .random()))
        }
        #expect(wrong?.kind == .invalid)
        let late = await #expect(throws: EngineError.self) {
            try await engine.openBootClaim(reply.claim, ClaimOpening(nonce: asker.nonce))
        }
        #expect(late?.kind == .notFound)
    }

    @Test("steps that are handed over again count once, at their own time; a gap is told")
    func steps() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let engine = try await installation.open()
        let asker = Asker()
        let (id, code) = try await asker.enrol(with: engine)
        try await engine.approveBootServer("rack-7", code: code, by: Self.admin, correlation: nil)
        let key = asker.key.publicKey.derRepresentation
        let directory = try require(try await engine.segmentDirectory(role: "muster:boot/\(id)", key: key))
        let (first, second) = (UniqueID.random(), UniqueID.random())
        func step(_ number: Int64, age: Int64, of series: UniqueID? = nil) throws -> BootEvent {
            let mac = try require(MACAddress("52:54:00:00:00:01"))
            var event = BootEvent(mac: mac, stage: .script, detail: "step \(number)")
            (event.number, event.age, event.series) = (number, age, series ?? first)
            return event
        }
        try await directory.record([try step(1, age: 5000), try step(2, age: 3000)])
        try await directory.record([try step(1, age: 9000), try step(2, age: 7000), try step(3, age: 0)])
        try await directory.record([try step(6, age: -5)])
        let events = try await engine.events(EventQuery(max: 100, newestFirst: false))
        let steps = events.filter { $0.code == .bootStep }
        #expect(steps.map { $0.text.contains("(boot server rack-7)") } == [true, true, true, true])
        #expect(
            ["step 1", "step 2", "step 3", "step 6"].allSatisfy { text in
                steps.count { $0.text.contains(text) } == 1
            }
        )
        let now = clock.wall.now()
        #expect(steps.map(\.time) == [now - 5000, now - 3000, now, now])
        #expect(events.contains { $0.code == .bootStepsLost && $0.text.contains("2 steps") })
        // What it kept is gone, and its numbers begin anew: none of its steps is taken for an old one.
        for _ in 0..<2 {
            try await directory.record([try step(1, age: 0, of: second), try step(4, age: 0, of: second)])
        }
        let later = try await engine.events(EventQuery(max: 100, newestFirst: false))
        #expect(later.count { $0.code == .bootStep } == 6)
    }

    @Test("the next certificate is for the same key, and given when the time of the one before is nearly over")
    func renewal() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let engine = try await installation.open()
        let asker = Asker()
        let (id, code) = try await asker.enrol(with: engine)
        try await engine.approveBootServer("rack-7", code: code, by: Self.admin, correlation: nil)
        let key = asker.key.publicKey.derRepresentation
        let directory = try require(try await engine.segmentDirectory(role: "muster:boot/\(id)", key: key))
        let first = try await directory.certificate().certificate
        clock.advance(seconds: 1000 * 86_400)
        #expect(try await directory.certificate().certificate == first)
        clock.advance(seconds: 700 * 86_400)
        let next = try await directory.certificate().certificate
        let (old, new) = (try leafCertificate(of: first), try leafCertificate(of: next))
        #expect(new.publicKey == old.publicKey && new.notValidAfter > old.notValidAfter)
        #expect(try await directory.certificate().certificate == next)
    }

    @Test func anAnswerForTheNextBootSaysSo() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web-1")
        let host = try await node.enrol(with: engine).host
        let request = BootRequest(mac: node.mac, firmware: .bios)
        #expect(try await engine.answer(request).isOnce == nil)
        try await engine.setBoot(host, profile: "local", when: .next, by: Self.admin, correlation: nil)
        #expect(try await engine.answer(request).isOnce == true)
    }
}
