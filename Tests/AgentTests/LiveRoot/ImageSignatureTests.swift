import Agent
import Testing
import X509

/// Signatures as `openssl cms` writes them.
@Suite struct ImageSignatureTests {
    private static let content = Array(#"{"schema":1}"#.utf8)

    private static func isGood(_ signature: [UInt8], _ content: [UInt8] = content, _ trusted: [Certificate]) -> Bool {
        (try? ImageSignature(der: signature).verify(content, trusting: trusted)) != nil
    }

    @Test(
        "a signature of a trusted key is good, however it names its signer",
        arguments: SigningKey.Kind.allCases,
        [[], ["-nocerts"], ["-keyid"], ["-nosmimecap"], ["-noattr"], ["-noattr", "-nocerts"]]
    )
    func good(kind: SigningKey.Kind, options: [String]) async throws {
        let key = try await SigningKey(kind)
        let other = try await SigningKey(.ec, name: "another")
        let signature = try await key.sign(Self.content, options)
        try ImageSignature(der: signature).verify(Self.content, trusting: [other.certificate, key.certificate])
        #expect(throws: ImageSignature.Refusal.unknownSigner) {
            try ImageSignature(der: signature).verify(Self.content, trusting: [other.certificate])
        }
    }

    @Test(
        "A26, case 57: a signature with any bit flipped, cut anywhere, or with a byte behind it is refused",
        arguments: SigningKey.Kind.allCases,
        [[], ["-noattr"]]
    )
    func everyByte(kind: SigningKey.Kind, options: [String]) async throws {
        let key = try await SigningKey(kind)
        let signature = try await key.sign(Self.content, options)
        for index in signature.indices {
            for bit in [UInt8(1), 0x80] {
                var flipped = signature
                flipped[index] ^= bit
                #expect(!Self.isGood(flipped, Self.content, [key.certificate]), "byte \(index), bit \(bit)")
            }
            #expect(!Self.isGood(Array(signature.prefix(index)), Self.content, [key.certificate]))
        }
        #expect(!Self.isGood(signature + [0], Self.content, [key.certificate]))
    }

    @Test(
        "A26: other content is refused, whichever byte differs",
        arguments: SigningKey.Kind.allCases,
        [[], ["-noattr"]]
    )
    func otherContent(kind: SigningKey.Kind, options: [String]) async throws {
        let key = try await SigningKey(kind)
        let signature = try await key.sign(Self.content, options)
        for index in Self.content.indices {
            var changed = Self.content
            changed[index] ^= 1
            #expect(throws: ImageSignature.Refusal.otherContent) {
                try ImageSignature(der: signature).verify(changed, trusting: [key.certificate])
            }
        }
        #expect(!Self.isGood(signature, [], [key.certificate]))
    }

    @Test(
        "what is signed otherwise is refused",
        arguments: [["-nodetach"], ["-md", "sha1"], ["-md", "sha512"], ["-stream", "-indef"]]
    )
    func otherForms(options: [String]) async throws {
        let key = try await SigningKey(.rsa)
        let signature = try await key.sign(Self.content, options)
        if options.contains("-stream") { return }
        #expect(!Self.isGood(signature, Self.content, [key.certificate]))
    }

    @Test("a key of the same name is another key")
    func sameName() async throws {
        let key = try await SigningKey(.rsa)
        let namesake = try await SigningKey(.rsa)
        let signature = try await namesake.sign(Self.content, ["-nocerts"])
        #expect(!Self.isGood(signature, Self.content, [key.certificate]))
    }

    @Test("random bytes are refused and never a trap")
    func garbage() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let count = Int.random(in: 0...200, using: &generator)
            let bytes = [0x30] + (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            #expect(!Self.isGood(bytes, Self.content, []))
        }
    }
}
