import Crypto
import Foundation
import Glibc
import HostModel
import SwiftASN1
import Testing
import X509

@testable import Engine

/// What the CA signs, and what it looks at.
@Suite struct AuthorityTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)

    static func authority() throws -> CertificateAuthority {
        try CertificateAuthority.make(organization: "Muster", engineAddress: "engine.example.org", now: now)
    }

    @Test("what root writes has the owner of its directory, or is not written", .enabled(if: geteuid() == 0))
    func ownership() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "muster-keys-\(UniqueID.random())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (file, other) = ("\(folder)/web.pem", "\(folder)/other.pem")
        #expect(throws: EngineError.self) {
            try DurableFile.write("key".utf8, to: other, mode: 0o600, like: "\(folder)/none")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        // A name space may have no other user.
        guard chown(folder, 1, 1) == 0 else { return }
        try DurableFile.write("key".utf8, to: file, mode: 0o600, like: folder)
        let owner = try FileManager.default.attributesOfItem(atPath: file)[.ownerAccountID] as? NSNumber
        #expect(owner?.uint32Value == 1)
    }

    @Test func theAuthorityIsWhatOVirtsIs() throws {
        let certificate = try Self.authority().certificate
        #expect(certificate.subject == certificate.issuer)
        #expect("\(certificate.subject)".contains("engine.example.org."))
        #expect("\(certificate.subject)".contains("O=Muster"))
        #expect(try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(certificate.extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true)
        #expect(certificate.extensions[oid: .X509ExtensionID.keyUsage]?.critical == true)
        #expect(try certificate.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try certificate.extensions.subjectKeyIdentifier != nil)
        #expect(try certificate.extensions.authorityKeyIdentifier != nil)
        #expect(certificate.notValidBefore == Self.now - 86400)
        #expect(certificate.notValidAfter == Self.now + 7300 * 86400)
    }

    @Test func aHostLeafSaysWhoItIs() throws {
        let authority = try Self.authority()
        let id = UniqueID.random()
        let key = P256.Signing.PrivateKey()
        let leaf = try authority.issue(role: .host(id), address: "10.0.0.5", key: key.publicKey, now: Self.now)
        #expect(
            try leaf.extensions.subjectAlternativeNames
                == SubjectAlternativeNames([
                    .uniformResourceIdentifier("muster:host/\(id)"),
                    .ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 5])),
                ])
        )
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect("\(leaf.subject)".contains("CN=10.0.0.5"))
        #expect(leaf.notValidBefore == Self.now - 86400)
        #expect(authority.certificate.publicKey.isValidSignature(leaf.signature, for: leaf))
        #expect(leaf.serialNumber.bytes.count == 20, "159 bits and a clear sign")
        #expect((leaf.serialNumber.bytes.first ?? 0xFF) < 0x80)
    }

    @Test func aLeafDoesNotOutliveItsAuthority() throws {
        let authority = try Self.authority()
        let late = authority.certificate.notValidAfter - 100 * 86400
        let leaf = try authority.issue(
            role: .engine,
            address: "engine.example.org",
            key: P256.Signing.PrivateKey().publicKey,
            now: late
        )
        #expect(leaf.notValidAfter == authority.certificate.notValidAfter)
    }

    @Test func keysAreForTheirOwnerOnly() async throws {
        let installation = try await TestInstallation()
        for file in ["pki/ca.key", "pki/engine.key", "engine.db"] {
            let path = "\(installation.directory)/\(file)"
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func anotherEngineAddressGetsAnotherLeaf() async throws {
        let installation = try await TestInstallation()
        let first = try await installation.open().engineCertificatePEM
        #expect(try await installation.open().engineCertificatePEM == first, "kept while it is good")
        var settings = installation.settings
        settings.engineAddress = "10.1.2.3"
        let moved = KeyDirectory(path: settings.keyDirectory)
        let authority = try moved.authority(organization: "Muster")
        let identity = try moved.engineIdentity(of: authority, address: "10.1.2.3", now: Date())
        #expect(identity.pem != first)
        let names = try #require(try identity.certificate.extensions.subjectAlternativeNames)
        #expect(names.contains(.uniformResourceIdentifier("muster:engine")))
        #expect(names.contains(.ipAddress(ASN1OctetString(contentBytes: [10, 1, 2, 3]))))
    }

    @Test func theFingerprintIsTheDigestOfTheDER() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let document = try PEMDocument(pemString: engine.authorityPEM)
        let digest = SHA256.hash(data: document.derBytes).map { String(format: "%02x", $0) }.joined()
        #expect(engine.authorityFingerprint == digest)
    }

    @Test func keyFingerprintsAreBase64() {
        let bytes = Array("abc".utf8)
        let expected = Data(SHA256.hash(data: bytes)).base64EncodedString().replacing("=", with: "")
        #expect(keyFingerprint(bytes) == "SHA256:\(expected)")
    }
}

/// Certificate requests of machines that are broken or lie.
@Suite struct CertificateRequestTests {
    private static func request(_ key: Certificate.PrivateKey) throws -> CertificateSigningRequest {
        try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName("engine.example.org") },
            privateKey: key,
            attributes: try CertificateSigningRequest.Attributes([
                .init(
                    ExtensionRequest(
                        extensions: try Certificate.Extensions {
                            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                            SubjectAlternativeNames([.uniformResourceIdentifier("muster:engine")])
                        }
                    )
                )
            ])
        )
    }

    private static func der(_ request: CertificateSigningRequest) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        return serializer.serializedBytes
    }

    private static func read(_ der: [UInt8]) throws(EngineError) -> CertificateRequest {
        let pem = PEMDocument(type: "CERTIFICATE REQUEST", derBytes: der).pemString
        return try CertificateRequest(pem: pem, bytesMax: 8192)
    }

    @Test("A13: a request to be the engine, and a CA, gets a leaf of its own host and nothing more")
    func onlyTheKeyIsTakenFromARequest() async throws {
        let key = P256.Signing.PrivateKey()
        let request = try Self.read(try Self.der(try Self.request(.init(key))))
        #expect(request.publicKeyInfo == [UInt8](key.publicKey.derRepresentation))
        // The wish to be the engine and a CA is not even looked at.
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var node = try TestNode()
        node.key = key
        var claim = try node.request()
        claim.certificateRequest = try Self.request(.init(key)).serializeAsPEM().pemString
        let reply = try await engine.receiveClaim(claim, from: "192.0.2.1")
        _ = try await engine.openClaim(reply.claim, ClaimOpening(nonce: node.nonce))
        let host = try #require(try await engine.hosts(matching: .all).first)
        try await engine.approve(host.id, code: "\(try node.code(for: reply))", by: "admin@internal", correlation: nil)
        let pem = try #require(try await engine.claimProgress(reply.claim).certificate)
        let leaf = try leafCertificate(of: pem)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(names.contains(.uniformResourceIdentifier("muster:host/\(host.id)")))
        #expect(!names.contains(.uniformResourceIdentifier("muster:engine")))
    }

    @Test("A13: other kinds of keys are refused") func otherKindsOfKeysAreRefused() throws {
        let keys: [Certificate.PrivateKey] = [
            .init(P384.Signing.PrivateKey()), .init(P521.Signing.PrivateKey()), .init(Curve25519.Signing.PrivateKey()),
        ]
        for key in keys {
            let der = try Self.der(try Self.request(key))
            let refusal = #expect(throws: EngineError.self) { try Self.read(der) }
            #expect(refusal?.detail.contains("P-256") == true)
        }
    }

    @Test("A13: every beginning of a request is refused") func everyPrefixIsRefused() throws {
        let der = try Self.der(try Self.request(.init(P256.Signing.PrivateKey())))
        for length in 0..<der.count {
            #expect(throws: EngineError.self) { try Self.read(Array(der.prefix(length))) }
        }
    }

    /// One byte lies outside both the signed part and the signature's numbers: how many bits of its last byte are unused.
    @Test("A13: a changed byte never yields another key") func aFlippedByteNeverYieldsAnotherKey() throws {
        let der = try Self.der(try Self.request(.init(P256.Signing.PrivateKey())))
        let good = try Self.read(der)
        var accepted = 0
        for index in der.indices {
            var broken = der
            broken[index] ^= 0x01
            guard let request = try? Self.read(broken) else { continue }
            accepted += 1
            #expect(request == good, "byte \(index)")
        }
        #expect(accepted <= 1)
    }

    @Test("A13: the size is looked at before anything is read") func sizeIsLookedAtFirst() {
        let huge = String(repeating: "A", count: 100_000)
        let refusal = #expect(throws: EngineError.self) { try CertificateRequest(pem: huge, bytesMax: 8192) }
        #expect(refusal?.detail.contains("8192") == true)
    }

    @Test(arguments: ["", "-----BEGIN CERTIFICATE REQUEST-----", "not PEM", "\u{0}"])
    func whatIsNoPEMIsRefused(_ text: String) {
        #expect(throws: EngineError.self) { try CertificateRequest(pem: text, bytesMax: 8192) }
    }
}

/// The engine's key for SSH, as OpenSSH sees it.
@Suite struct SSHKeyTests {
    @Test func openSSHReadsBothHalvesOfOneKey() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let file = "\(installation.settings.keyDirectory)/ssh.key"
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let result = Process()
        let output = Pipe()
        result.executableURL = URL(fileURLWithPath: "/usr/bin/ssh-keygen")
        (result.arguments, result.standardOutput) = (["-y", "-f", file], output)
        try result.run()
        let line = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        result.waitUntilExit()
        #expect(line.split(separator: "\n").first.map(String.init) == engine.sshPublicKey)
        #expect(engine.sshPublicKey.hasPrefix("ssh-rsa "))
    }

    @Test func anOlderInstallationGetsOneAndKeepsIt() async throws {
        let installation = try await TestInstallation()
        try FileManager.default.removeItem(atPath: "\(installation.settings.keyDirectory)/ssh.key")
        let first = try await installation.open().sshPublicKey
        #expect(try await installation.open().sshPublicKey == first)
    }
}
