import Signing
import SystemPackage
import Testing

/// Signatures of EFI programs, on a small program of one section.
@Suite struct AuthenticodeTests {
    /// PE32+ for x64, an EFI application: headers of 512 bytes, then `content` filled up to a multiple of 512.
    static func program(_ content: [UInt8] = Array("code".utf8)) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 512)
        func put(_ value: Int, _ size: Int, at offset: Int) {
            for index in 0..<size { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
        }
        let size = (content.count + 511) / 512 * 512
        put(0x5A4D, 2, at: 0)
        put(0x40, 4, at: 0x3C)
        put(0x4550, 4, at: 0x40)
        for (offset, value) in [(4, 0x8664), (6, 1), (20, 240), (22, 0x206)] { put(value, 2, at: 0x40 + offset) }
        for (offset, value, count) in [
            (0, 0x20B, 2), (16, 512, 4), (32, 512, 4), (36, 512, 4), (56, 512 + size, 4), (60, 512, 4), (64, 0x1234, 4),
            (68, 10, 2), (108, 16, 4),
        ] { put(value, count, at: 0x58 + offset) }
        let section = 0x58 + 240
        bytes.replaceSubrange(section..<(section + 5), with: Array(".text".utf8))
        for (offset, value) in [(8, content.count), (12, 512), (16, size), (20, 512)] {
            put(value, 4, at: section + offset)
        }
        return bytes + content + [UInt8](repeating: 0, count: size - content.count)
    }

    @Test func theSameProgramGivesTheSameSignature() throws {
        let signer = try ImageSignerTests.signer.get()
        let signed = try signer.signed(program: Self.program())
        #expect(try signer.signed(program: Self.program()) == signed)
        #expect(try signer.signed(program: signed) == signed, "a signature that is there is replaced")
        #expect(signed.count.isMultiple(of: 8))
        #expect(try signer.trusted.verify(program: signed) == signer.certificate)
    }

    @Test("sbverify of Debian's sbsigntool agrees, and refuses a flipped bit and another certificate")
    func sbverifyAgrees() async throws {
        let scratch = try Scratch()
        let signer = try ImageSignerTests.signer.get()
        let certificate = try scratch.write(signer.certificate.pem.utf8, to: "certificate")
        let other = try scratch.write(try ImageSignerTests.other.get().certificate.pem.utf8, to: "other")
        func verify(_ program: [UInt8], by certificate: FilePath) async throws -> (succeeded: Bool, output: String) {
            let file = try scratch.write(program, to: "program.efi")
            return try await runTool("sbverify", ["--cert", certificate.string, file.string])
        }
        var signed = try signer.signed(program: Self.program())
        let verified = try await verify(signed, by: certificate)
        #expect(verified.succeeded, "\(verified.output)")
        #expect(try await verify(signed, by: other).succeeded == false)
        #expect(try await verify(Self.program(), by: certificate).succeeded == false)
        signed[513] ^= 1
        #expect(try await verify(signed, by: certificate).succeeded == false)
    }

    /// Only the checksum may be another: no signature is over it, and firmware does not read it.
    @Test func everyFlippedByteIsRefused() throws {
        let signer = try ImageSignerTests.signer.get()
        let signed = try signer.signed(program: Self.program())
        let place = try EFIProgram(signed)
        for index in signed.indices where !(place.checksum..<(place.checksum + 4)).contains(index) {
            var changed = signed
            changed[index] ^= 1 << (index % 8)
            #expect(throws: SigningError.self, "byte \(index)") { try signer.trusted.verify(program: changed) }
        }
        var changed = signed
        changed[place.checksum] ^= 1
        #expect(try signer.trusted.verify(program: changed) == signer.certificate)
    }

    @Test func everyPrefixAndEveryTailIsRefused() throws {
        let signer = try ImageSignerTests.signer.get()
        let signed = try signer.signed(program: Self.program())
        for count in signed.indices {
            #expect(throws: SigningError.self) { try signer.trusted.verify(program: Array(signed[..<count])) }
        }
        #expect(throws: SigningError.self) { try signer.trusted.verify(program: signed + [0]) }
    }

    @Test("sections with a gap, an overlap, or signatures among them are malformed")
    func placesOfSections() throws {
        let section = 0x58 + 240
        // Where the section begins and its size, of a file of 1024 bytes; then place and size of the certificate table.
        let cases: [(start: Int, size: Int, table: Int, tableSize: Int)] = [
            (513, 511, 0, 0), (511, 512, 0, 0), (0, 512, 0, 0), (512, 512, 1016, 8), (512, 512, 512, 512),
        ]
        func program(_ values: (start: Int, size: Int, table: Int, tableSize: Int)) -> [UInt8] {
            var bytes = Self.program()
            for (offset, value) in [
                (section + 20, values.start), (section + 16, values.size), (0x58 + 144, values.table),
                (0x58 + 148, values.tableSize),
            ] {
                for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
            }
            return bytes
        }
        #expect(try EFIProgram(program((512, 512, 0, 0))).sectionsEnd == 1024)
        for values in cases {
            #expect(ImageSignerTests.kind { try EFIProgram(program(values)) } == .malformed, "\(values)")
        }
    }

    @Test func anotherKeysSignatureIsRefused() throws {
        let (signer, other) = (try ImageSignerTests.signer.get(), try ImageSignerTests.other.get())
        let signed = try other.signed(program: Self.program())
        #expect(ImageSignerTests.kind { try signer.trusted.verify(program: signed) } == .refused)
        let both = try #require(TrustedCertificates([signer.certificate, other.certificate]))
        #expect(try both.verify(program: signed) == other.certificate)
        #expect(ImageSignerTests.kind { try signer.trusted.verify(program: Self.program()) } == .refused)
    }

    @Test(arguments: [[], Array("MZ".utf8), Array("kernel image".utf8), [UInt8](repeating: 0xFF, count: 4096)])
    func whatIsNoProgramIsRefused(bytes: [UInt8]) throws {
        let signer = try ImageSignerTests.signer.get()
        #expect(ImageSignerTests.kind { try signer.signed(program: bytes) } == .malformed)
        #expect(ImageSignerTests.kind { try signer.trusted.verify(program: bytes) } == .malformed)
    }

    /// Headers that lie say at worst that this is no program.
    @Test func everyHeaderByteIsRead() throws {
        let program = Self.program()
        for index in 0..<512 {
            for value in [UInt8(0), 0x7F, 0x80, 0xFF] {
                var changed = program
                changed[index] = value
                guard let place = try? EFIProgram(changed) else { continue }
                #expect(place.end <= changed.count && place.sectionsEnd <= changed.count && place.checksum < place.end)
            }
        }
    }
}
