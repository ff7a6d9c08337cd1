import Signing
import SystemPackage
import Testing

@Suite struct ImageSignerTests {
    /// An RSA key takes a second to make, so the suite shares two.
    static let signer = Result { try ImageSigner.generate(name: "muster images", now: now) }
    static let other = Result { try ImageSigner.generate(name: "somebody else", now: now) }
    static let now: Int64 = 1_750_000_000
    static let content = Array(#"{"schema": 1}"#.utf8)

    @Test func theCertificateSaysWhoAndHowLong() throws {
        let certificate = try Self.signer.get().certificate
        #expect(certificate.name == "muster images")
        #expect(certificate.validFrom == Self.now - 86_400)
        #expect(certificate.validUntil == Self.now + ImageSigner.validDays * 86_400)
        #expect(certificate.fingerprint.utf8.count == 64)
        #expect(try SigningCertificate(reading: certificate.der) == certificate)
        #expect(try SigningCertificate(reading: Array(certificate.pem.utf8)) == certificate)
    }

    @Test func theSameBytesGiveTheSameSignature() throws {
        let signer = try Self.signer.get()
        let signature = try signer.sign(Self.content)
        #expect(try signer.sign(Self.content) == signature)
        #expect(try signer.trusted.verify(signature, over: Self.content) == signer.certificate)
    }

    @Test func opensslAgrees() async throws {
        let scratch = try Scratch()
        let signer = try Self.signer.get()
        let signature = try scratch.write(try signer.sign(Self.content), to: "signature")
        let content = try scratch.write(Self.content, to: "content")
        let certificate = try scratch.write(signer.certificate.pem.utf8, to: "certificate")
        let arguments = [
            "cms", "-verify", "-binary", "-inform", "DER", "-in", signature.string, "-content", content.string,
            "-CAfile", certificate.string, "-out", "/dev/null",
        ]
        let verified = try await openssl(arguments)
        #expect(verified.succeeded, "\(verified.output)")
        let text = try await openssl(["cms", "-cmsout", "-print", "-inform", "DER", "-in", signature.string])
        #expect(text.output.contains("sha256") && text.output.contains("signedAttrs:\n          <ABSENT>"))
        #expect(!text.output.contains("signingTime"))
        _ = try scratch.write(Self.content + [10], to: "content")
        #expect(try await openssl(arguments).succeeded == false)
    }

    /// One made by openssl with signed attributes holds too: other tools may sign.
    @Test func opensslsSignatureIsAccepted() async throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        _ = try directory.create(name: "n", passphrase: nil, now: Self.now)
        let content = try scratch.write(Self.content, to: "content")
        for digest in ["sha256", "sha1"] {
            let made = try await openssl([
                "cms", "-sign", "-binary", "-md", digest, "-outform", "DER", "-in", content.string, "-signer",
                directory.keyFile.string, "-out", scratch.file("signature").string,
            ])
            try #require(made.succeeded, "\(made.output)")
            let signature = try scratch.read("signature")
            let trusted = try directory.certificates()
            if digest == "sha256" {
                #expect(try trusted.verify(signature, over: Self.content) == trusted.certificates.first)
            } else {
                #expect(Self.kind { try trusted.verify(signature, over: Self.content) } == .refused)
            }
        }
    }

    @Test("case 57: one flipped bit of the content is refused") func flippedContent() throws {
        let signer = try Self.signer.get()
        let signature = try signer.sign(Self.content)
        for bit in 0..<Self.content.count * 8 {
            var changed = Self.content
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(Self.kind { try signer.trusted.verify(signature, over: changed) } == .refused)
        }
    }

    /// What is flipped may be the certificate that the signature brings along, which nobody looks at; the signer is then
    /// still the trusted one.
    @Test func flippedAndCutSignaturesAreNeverAnothers() throws {
        let signer = try Self.signer.get()
        let signature = try signer.sign(Self.content)
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 1
            let accepted = try? signer.trusted.verify(changed, over: Self.content)
            #expect(accepted == nil || accepted == signer.certificate)
            #expect(throws: SigningError.self) {
                try signer.trusted.verify(Array(signature[..<index]), over: Self.content)
            }
        }
        #expect(throws: SigningError.self) { try signer.trusted.verify(signature + [0], over: Self.content) }
    }

    @Test func anotherKeysSignatureIsRefused() throws {
        let signature = try Self.other.get().sign(Self.content)
        #expect(Self.kind { try Self.signer.get().trusted.verify(signature, over: Self.content) } == .refused)
    }

    @Test(arguments: ["", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func noCertificates(text: String) {
        #expect(Self.kind { try TrustedCertificates(pem: Array(text.utf8)) } == .malformed)
    }

    @Test func certificatesAreReadOneAfterTheOther() throws {
        let both = [try Self.signer.get().certificate, try Self.other.get().certificate]
        let set = try #require(TrustedCertificates(both + both))
        #expect(set.certificates == both)
        #expect(try TrustedCertificates(pem: Array("a comment\n\(set.pem)the end\n".utf8)) == set)
        let half = Array(set.pem.utf8.dropLast(60))
        #expect(Self.kind { try TrustedCertificates(pem: half) } == .malformed)
        #expect(TrustedCertificates([]) == nil)
    }

    /// The kind of the error; `nil` when there is none.
    static func kind(_ body: () throws -> some Any) -> SigningError.Kind? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? SigningError)?.kind
        }
    }
}
