import Crypto
import Foundation
import GRDB
import HostModel
import Testing
import X509

@testable import Engine

/// Attacks on the enrolment that no other suite has: peers.md 3.3, by its numbers.
@Suite struct EnrolmentFaultTests {
    private static let user = "admin@internal"

    @Test("A1: after thousands of claims of one source nothing is left of them but its share, and the others enrol")
    func flood() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { settings in
            settings.clock = clock.wall
            settings.enrolment.claimsPerMinutePerSource = 60
        }
        let engine = try await installation.open()
        var (refused, node) = (0, try TestNode(name: "flood"))
        for number in 0..<500 {
            if number.isMultiple(of: 125) { clock.advance(seconds: 61) }
            (node.nonce, node.key) = (.random(), number < 130 ? P256.Signing.PrivateKey() : node.key)
            node.hardwareID = try require(HardwareID("flood-\(number)"))
            // A request as it is after the engine's first look: what is counted is what it costs the engine.
            do { _ = try await engine.receiveClaim(try node.request(), from: "192.0.2.66") } catch { refused += 1 }
        }
        #expect(refused > 200)
        let limits = installation.settings.enrolment
        let waiting = try await engine.hosts(matching: .all).count
        #expect(waiting <= limits.openClaimsPerSourceMax && waiting <= limits.waitingHostsPerSourceMax)
        let honest = try await TestNode(name: "honest").enrol(with: engine, from: "192.0.2.1")
        #expect(honest.progress.state == .pending)
        clock.advance(seconds: 301)
        try await engine.forgetWhatIsOver()
        #expect(try await engine.hosts(matching: .all).map(\.name.rawValue) == ["honest"], "what only knocked is gone")
    }

    @Test(
        "A8: the node's key is swapped between the look at its screen and the approval: what was seen is approved, or nothing"
    )
    func swappedKey() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let seen = try await node.enrol(with: engine, from: "192.0.2.1")
        // Another key for the same machine, from the same place: the code on the screen is not its code.
        let swapped = try await TestNode(node.hardwareID.rawValue).enrol(with: engine, from: "192.0.2.1")
        #expect(swapped.host == seen.host && swapped.code != seen.code)
        try await engine.approve(seen.host, code: "\(seen.code)", by: Self.user, correlation: nil)
        let pem = try #require(try await engine.claimProgress(seen.claim).certificate)
        let leaf = try leafCertificate(of: pem)
        #expect(P256.Signing.PublicKey(leaf.publicKey)?.rawRepresentation == node.key.publicKey.rawRepresentation)
        #expect(try await engine.claimProgress(swapped.claim).certificate == nil)
        // And the other way: the key that was seen is gone, and its code approves nobody else's.
        let (other, thief) = (try TestNode(name: "db"), try TestNode(name: "db"))
        let gone = try await other.enrol(with: engine, from: "192.0.2.2")
        try await engine.reject(gone.host, by: Self.user, correlation: nil)
        let left = try await thief.enrol(with: engine, from: "192.0.2.3")
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(left.host, code: "\(gone.code)", by: Self.user, correlation: nil)
        }
        #expect(refusal?.detail.contains("is not the code") == true)
        #expect(try await engine.claimProgress(left.claim).certificate == nil)
    }

    @Test("A13: large RSA keys, repeated extensions and other leaves' names are refused, or count for nothing")
    func requests() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        for request in [Self.openSSL("-newkey", "rsa:2048")] {
            var claim = try TestNode().request()
            claim.certificateRequest = try #require(request)
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.receiveClaim(claim, from: "192.0.2.1")
            }
            #expect(refusal?.kind == .invalid && refusal?.detail.contains("P-256") == true)
        }
        // 16,384 bits in a request that was never signed: refused for its kind, before any arithmetic is done with it.
        let big = DERText.rsaRequest(modulusBytes: 2048)
        let refusal = #expect(throws: EngineError.self) { try CertificateRequest(pem: big, bytesMax: 8192) }
        #expect(refusal?.detail.contains("signed") == false)
        let ambitious = Self.openSSL(
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "subjectAltName=URI:muster:engine,URI:muster:host/x,DNS:engine.example.org"
        )
        var (node, claim) = (try TestNode(), try TestNode().request())
        claim.certificateRequest = try #require(ambitious)
        node.nonce = .random()
        claim.nonceHash = try require(Nonce(bytes: Array(SHA256.hash(data: node.nonce.bytes))))
        let reply = try await engine.receiveClaim(claim, from: "192.0.2.1")
        _ = try await engine.openClaim(reply.claim, ClaimOpening(nonce: node.nonce))
        let host = try #require(try await engine.hosts(matching: .all).first)
        let office = ApprovalOffice(authority: engine.authority, limits: installation.settings.enrolment)
        let key = try CertificateRequest(pem: claim.certificateRequest, bytesMax: 8192).publicKeyInfo
        let transcript = ApprovalCode.transcript(
            nodeKey: key,
            authorityKey: office.authority.publicKeyInfo,
            engineNonce: reply.engineNonce,
            nodeNonce: node.nonce
        )
        let code = try #require(ApprovalCode(digest: Array(SHA256.hash(data: transcript))))
        try await engine.approve(host.id, code: "\(code)", by: Self.user, correlation: nil)
        let leaf = try leafCertificate(of: try #require(try await engine.claimProgress(reply.claim).certificate))
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(names.count == 2 && names.contains(.uniformResourceIdentifier("muster:host/\(host.id)")))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(leaf.notValidAfter < Date() + 6 * 366 * CertificateAuthority.day, "its life is the engine's to say")
    }

    /// A certificate request by OpenSSL.
    private static func openSSL(_ words: String...) -> String? {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments =
            ["req", "-new", "-nodes", "-subj", "/CN=engine.example.org", "-keyout", "/dev/null"] + words
        (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? text : nil
    }

    @Test("A32: an approval of a host that was removed, and of one that is at a reboot, is refused with what to do")
    func odd() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.mute = ["Host.reboot"] }
            let spent = try await TestNode(name: "gone").enrol(with: engine)
            try await engine.remove(spent.host, force: true, by: Self.user, correlation: nil)
            let gone = await #expect(throws: EngineError.self) {
                try await engine.approve(spent.host, code: "\(spent.code)", by: Self.user, correlation: nil)
            }
            #expect(gone?.kind == .notFound)
            _ = try await engine.reboot(line.host, by: Self.user, correlation: nil)
            let rebooting = await #expect(throws: EngineError.self) {
                try await engine.approve(line.host, code: "\(spent.code)", by: Self.user, correlation: nil)
            }
            #expect(rebooting?.kind == .conflict && rebooting?.detail.isEmpty == false)
            #expect(try await engine.codes().filter { $0 == EventCode.approved.rawValue }.count == 1)
            try await line.agent.stop()
        }
    }

    @Test("F2: the same request for an approval is answered alike when its answer was lost; another one is refused")
    func repeatedRequest() async throws {
        let installation = try await TestInstallation()
        let (node, request) = (try TestNode(name: "web"), "\(UniqueID.random())")
        let claim = try await node.enrol(with: try await installation.open())
        let code = "\(claim.code)"
        try await installation.open().approve(claim.host, code: code, by: Self.user, correlation: request)
        // The engine was killed before its answer was out; the client asks the next one.
        let engine = try await installation.open()
        try await engine.approve(claim.host, code: code, by: Self.user, correlation: request)
        #expect(try await engine.codes() == [828, 498], "it was done once, and recorded once")
        for (user, correlation) in [(Self.user, "another"), ("other@internal", request)] {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.approve(claim.host, code: code, by: user, correlation: correlation)
            }
            #expect(refusal?.detail.contains("approved already") == true)
        }
        // The same of an installation that is tried again.
        try await engine.store.write { try $0.execute(sql: "UPDATE host SET status = 'install_failed'") }
        for _ in 0..<2 {
            try await engine.approve(claim.host, code: nil, by: Self.user, correlation: "try-again")
        }
        #expect(try await engine.codes().filter { $0 == EventCode.approved.rawValue }.count == 2)
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(claim.host, code: nil, by: Self.user, correlation: "another")
        }
        #expect(refusal?.kind == .conflict)
    }
}

/// What no tool makes: a request with a key of any size and a signature that is none.
private enum DERText {
    static func rsaRequest(modulusBytes: Int) -> String {
        let modulus = [0] + [UInt8](repeating: 0xC5, count: modulusBytes)
        let key = sequence(integer(modulus) + integer([1, 0, 1]))
        let rsa = sequence([6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0])
        let signed = sequence([6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0B, 5, 0])
        let info = sequence([2, 1, 0] + sequence([]) + sequence(rsa + value(3, [0] + key)) + [0xA0, 0])
        let request = sequence(info + signed + value(3, [0] + [UInt8](repeating: 1, count: modulusBytes)))
        let base64 = Data(request).base64EncodedString(options: .lineLength64Characters)
        return "-----BEGIN CERTIFICATE REQUEST-----\n\(base64)\n-----END CERTIFICATE REQUEST-----\n"
    }

    private static func sequence(_ content: [UInt8]) -> [UInt8] { value(0x30, content) }
    private static func integer(_ bytes: [UInt8]) -> [UInt8] { value(2, bytes) }

    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length: [UInt8] =
            count < 128
            ? [UInt8(count)]
            : count < 256 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
        return [tag] + length + content
    }
}
