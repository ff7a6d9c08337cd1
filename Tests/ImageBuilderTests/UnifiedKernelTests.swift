import Glibc
import HostModel
import Signing
import SystemPackage
import Testing

@testable import ImageBuilder

/// The output `efi`: kernel, initramfs and command line as one signed program.
@Suite struct UnifiedKernelTests {
    private static let fingerprint = String(repeating: "ab", count: 32)
    private static let settings = """
        outputs: [pxe, efi]
        efi:
          engine: engine.example:8443
          engine-fingerprint: "\(fingerprint)"
          boot-server: 10.77.0.1
          arguments: [console=ttyS0]

        """

    private static func build(_ place: String, _ sample: SampleImage, signed: Bool = true) throws -> ImageBuild {
        var build = sample.build(place)
        build.signer = signed ? try SealedImage.signer.get() : nil
        return build
    }

    /// What objdump and objcopy find in the program: readers that nobody here wrote.
    @Test func theProgramHoldsWhatBoots() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition + Self.settings)
        var build = sample.build()
        build.signer = try SealedImage.signer.get()
        let built = try await build.run { _ in }
        let file = try #require(built.manifest.file(.efi))
        #expect(file.name == "\(built.manifest.name).efi")
        let program = built.directory.appending(file.name)
        func section(_ name: String) async throws -> [UInt8] {
            let place = sample.scratch.file("section")
            _ = try await output(
                of: "objcopy",
                ["--dump-section", "\(name)=\(place)", program.string, sample.scratch.file("copy").string]
            )
            return try sample.scratch.bytes("section")
        }
        let (name, version) = (built.manifest.name, built.manifest.version)
        let line =
            "\(built.manifest.kernelArguments.joined(separator: " ")) console=ttyS0"
            + " muster.image=http://10.77.0.1/images/\(name)/\(version)"
            + " management_server=engine.example:8443 management_server_fingerprint=\(Self.fingerprint) ip=dhcp"
        #expect(String(decoding: try await section(".cmdline"), as: UTF8.self) == line)
        #expect(try await section(".linux") == readBytes(built.directory.appending("vmlinuz"), limit: 1 << 20))
        #expect(try await section(".initrd") == readBytes(built.directory.appending("initramfs.zst"), limit: 1 << 22))
        #expect(String(decoding: try await section(".osrel"), as: UTF8.self).contains("IMAGE_VERSION=\(version)\n"))
        let certificate = try SealedImage.signer.get().certificate
        let pem = try sample.scratch.write(Array(certificate.pem.utf8), to: "certificate.pem")
        _ = try await output(of: "sbverify", ["--cert", pem.string, program.string])
    }

    @Test func theSameImageGivesTheSameProgramAndAnotherEngineAnotherVersion() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition(Self.settings)
        let first = try await Self.build("a", sample).run { _ in }
        let again = try await Self.build("b", sample).run { _ in }
        #expect(first.manifest == again.manifest)
        #expect(try await Self.build("a", sample).run { _ in }.isUnchanged)
        try sample.writeDefinition(Self.settings.replacing("engine.example:8443", with: "other.example"))
        let other = try await Self.build("a", sample).run { _ in }
        #expect(other.manifest.version != first.manifest.version)
        try sample.writeDefinition()
        #expect(try await Self.build("a", sample).run { _ in }.manifest.file(.efi) == nil)
    }

    @Test func oneFlippedBitFailsTheVerification() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition(Self.settings)
        let built = try await Self.build("a", sample).run { _ in }
        let trusted = try SealedImage.signer.get().trusted
        func failures() throws -> [String] {
            try ImageVerification(folder: built.directory, trusted: trusted).run().filter { !$0.isPassed }.map(
                \.subject
            )
        }
        #expect(try failures() == [])
        let program = built.directory.appending("sample.efi")
        var bytes = try readBytes(program, limit: 1 << 24)
        bytes[bytes.count / 2] ^= 4
        try writeFile(bytes, to: program)
        #expect(try failures() == ["sample.efi", "sample.efi Authenticode"])
    }

    @Test func withoutAKeyThereIsNoProgram() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition(Self.settings)
        let build = try Self.build("a", sample, signed: false)
        let refusal = await #expect(throws: BuildError.self) { try await build.run { _ in } }
        #expect(refusal?.remedy == "muster image key create")
    }

    /// The stub's own sections stay as they are, and every new one is where its header says.
    @Test func theSectionsDoNotOverlap() throws {
        let stub = try readBytes(UnifiedKernelImage.stub, limit: 1 << 20)
        let parts: [(String, [UInt8])] = [(".cmdline", [1]), (".linux", [UInt8](repeating: 7, count: 1025))]
        let program = try UnifiedKernelImage.assemble(stub, parts)
        let (before, after) = (try EFIProgram(stub), try EFIProgram(program))
        #expect(after.sectionCount == before.sectionCount + 2)
        #expect(
            Array(program[before.headersSize..<before.sectionsEnd])
                == Array(stub[before.headersSize..<before.sectionsEnd])
        )
        var (file, memory) = (before.sectionsEnd, before.memoryEnd)
        for index in before.sectionCount..<after.sectionCount {
            let header = after.sectionTable + index * EFIProgram.sectionSize
            let start = Int(try #require(program.field(UInt32.self, at: header + 20)))
            let address = Int(try #require(program.field(UInt32.self, at: header + 12)))
            let size = Int(try #require(program.field(UInt32.self, at: header + 8)))
            #expect(start >= file && address >= memory && address.isMultiple(of: after.sectionAlignment))
            #expect(Array(program[start..<(start + size)]) == parts[index - before.sectionCount].1)
            (file, memory) = (start + size, address + size)
        }
        #expect(program.count.isMultiple(of: 8) && after.end == program.count)
    }

    @Test(arguments: [
        ("outputs: [efi]", "needs the key efi"),
        ("efi: {engine: e}", "engine-fingerprint"),
        ("efi: {engine: \"a b\", engine-fingerprint: \"\(fingerprint)\"}", "the engine's name"),
        ("efi: {engine: e, engine-fingerprint: abc}", "64 hex digits"),
        ("efi: {engine: e, engine-fingerprint: \"\(fingerprint)\", arguments: [\"a b\"]}", "kernel"),
        ("efi: {engine: e, engine-fingerprint: \"\(fingerprint)\", boot-server: \"x/y\"}", "the boot server's name"),
        ("efi: {engine: e, engine-fingerprint: \"\(fingerprint)\", token: x}", "unknown key"),
    ])
    func wrongSettings(addition: String, complaint: String) {
        let text = "name: n\narchitecture: x86_64\nkernel: {package: k.deb}\n\(addition)\n"
        let refusal = #expect(throws: ImageDefinitionError.self) {
            try ImageDefinition.parse(text, file: "/tmp/n.yaml")
        }
        #expect(refusal?.message.contains(complaint) == true, "\(String(describing: refusal))")
    }
}
