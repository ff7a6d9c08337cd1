import Agent
import FoundationEssentials
import HostModel
import Testing

/// Which signed manifests are the ones that were asked for.
@Suite struct LiveImageTests {
    private static func manifest() throws -> ImageManifest {
        let digest = try #require(Nonce(hex: String(repeating: "0f", count: 32)))
        let verity = RootVerity(rootHash: digest, salt: digest, dataSize: 4096 * 200)
        return ImageManifest(
            name: "node-debian",
            version: "e4ed3b9a0123",
            architecture: "x86_64",
            kernelVersion: "6.1.0",
            kernelArguments: [],
            files: [
                .init(name: "vmlinuz", role: .kernel, size: 10, sha256: digest),
                .init(name: "root.squashfs", role: .root, size: 4096 * 203, sha256: digest, verity: verity),
                .init(name: "extra", role: .init(rawValue: "something-new"), size: 1, sha256: digest),
            ]
        )
    }

    private static func source(_ value: String = "http://10.0.0.1/images/node-debian/e4ed3b9a0123") throws
        -> LiveImageSource
    {
        try LiveImageSource(parsing: value)
    }

    @Test func theImageThatWasAskedForIsTaken() async throws {
        let key = try await SigningKey(.rsa)
        let bytes = Array(try JSONEncoder().encode(try Self.manifest()))
        let signature = try await key.sign(bytes)
        let other = try await SigningKey(.ec)
        let trust = try ImageTrust(pem: try other.pem + key.pem)
        for value in ["http://10.0.0.1/images/node-debian/e4ed3b9a0123", "medium:NODE_DEBIAN_E4ED3B9A"] {
            let image = try LiveImage(
                manifest: bytes,
                signature: signature,
                trusting: trust.certificates,
                for: try Self.source(value)
            )
            #expect((image.name, image.version) == ("node-debian", "e4ed3b9a0123"))
            #expect(image.root.name == "root.squashfs")
            #expect(image.verity.dataSize == 4096 * 200)
        }
    }

    struct Bad: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var source = "http://10.0.0.1/images/node-debian/e4ed3b9a0123"
        var says: String
        var change: @Sendable (inout ImageManifest) -> Void = { _ in }
    }

    @Test(
        "A26, A27: a signed manifest of something else is refused",
        arguments: [
            Bad(testDescription: "another image", says: "asked for was node-debian") { $0.name = "node-el9" },
            Bad(testDescription: "an older version", says: "asked for was node-debian e4ed3b9a0123") {
                $0.version = "0000aaaa1111"
            },
            Bad(testDescription: "a medium of another image", source: "medium:NODE_EL9_E4ED3B9A", says: "the medium"),
            Bad(
                testDescription: "a medium of another version",
                source: "medium:NODE_DEBIAN_00000000",
                says: "the medium"
            ),
            Bad(testDescription: "another architecture", says: "is for riscv64") { $0.architecture = "riscv64" },
            Bad(testDescription: "a newer schema", says: "form") { $0.schema = 9 },
            Bad(testDescription: "no root", says: "has no root") { $0.files.remove(at: 1) },
            Bad(testDescription: "a root without a tree", says: "cannot be") { $0.files[1].verity = nil },
            Bad(testDescription: "a tree of another size", says: "cannot be") { $0.files[1].size += 4096 },
            Bad(testDescription: "a part of a block", says: "cannot be") { $0.files[1].verity?.dataSize += 1 },
            Bad(testDescription: "a path as root", says: "cannot be") { $0.files[1].name = "../../dev/sda" },
        ]
    )
    func refused(sample: Bad) async throws {
        let key = try await SigningKey(.ec)
        var manifest = try Self.manifest()
        sample.change(&manifest)
        let bytes = Array(try JSONEncoder().encode(manifest))
        let signature = try await key.sign(bytes)
        let source = try Self.source(sample.source)
        let failure = #expect(throws: LiveRootFailure.self) {
            try LiveImage(manifest: bytes, signature: signature, trusting: [key.certificate], for: source)
        }
        #expect(failure?.kind == .refused)
        #expect(failure?.message.contains(sample.says) == true, "\(failure?.message ?? "")")
    }

    @Test("A26: a manifest with the signature of another one is refused by a sentence")
    func swapped() async throws {
        let key = try await SigningKey(.rsa)
        var manifest = try Self.manifest()
        let bytes = Array(try JSONEncoder().encode(manifest))
        manifest.version = "0000aaaa1111"
        let signature = try await key.sign(Array(try JSONEncoder().encode(manifest)))
        let failure = #expect(throws: LiveRootFailure.self) {
            try LiveImage(manifest: bytes, signature: signature, trusting: [key.certificate], for: try Self.source())
        }
        #expect(failure?.message == "the signature of the manifest is over another manifest")
    }

    @Test(
        "A26: an image is not older than what was confirmed on the disk, nor than what runs",
        arguments: [
            (nil, nil, nil, nil), (2, "3\n", nil, "none below 3"), (3, "3\n", nil, nil), (nil, "1", nil, "index 0"),
            (3, nil, "4\n", "none below 4"), (4, "3\n", "4\n", nil), (4, "5", "4", "none below 5"), (2, "x", "2", nil),
            (nil, "-7", nil, nil), (nil, "99999999999", nil, "none below 2147483647"),
            (nil, "999999999999999999999999", nil, nil),
        ] as [(Int?, String?, String?, String?)]
    )
    func rollback(index: Int?, kept: String?, running: String?, says: String?) throws {
        let folder = TemporaryDirectory()
        if let kept { try folder.directory.write(kept.utf8, to: RollbackProtection.fileName) }
        if let running { try folder.directory.write(running.utf8, to: "own") }
        let protection = RollbackProtection(state: folder.directory, builtIn: folder.directory.file("own"))
        let refusal = protection.refusal(of: "a b", index: index)
        #expect(refusal?.message.contains(says ?? "") ?? (says == nil), "\(refusal?.message ?? "none")")
        #expect((refusal == nil) == (says == nil))
        // The remedy names the file only where that would help.
        let wouldHelp = (index ?? 0) >= protection.running
        #expect(refusal?.remedy.contains("remove") ?? wouldHelp == wouldHelp)
        #expect(
            (protection.refusal(of: "a b", index: index, besidesRunning: true) == nil)
                == (protection.kept <= index ?? 0)
        )
    }

    @Test("an initramfs without certificates says so", arguments: ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA"])
    func noTrust(pem: String) {
        let failure = #expect(throws: LiveRootFailure.self) { try ImageTrust(pem: pem) }
        #expect(failure?.message == "this initramfs holds no certificate that may sign images")
    }

    @Test(
        "case 44: too little memory is a sentence with what is needed and what is there",
        arguments: [(512, 180, 200, false), (512, 264, 200, true), (512, 263, 200, false), (256, 63, 0, false)]
    )
    func memory(total: Int, available: Int, root: Int64, isEnough: Bool) throws {
        let meminfo = "MemTotal: \(total * 1024) kB\nMemFree: 1 kB\nMemAvailable: \(available * 1024) kB\n"
        let need = MemoryNeed(rootBytes: root << 20)
        guard !isEnough else { return try need.check(MemoryInformation(meminfo: meminfo)) }
        let failure = #expect(throws: LiveRootFailure.self) { try need.check(MemoryInformation(meminfo: meminfo)) }
        #expect(failure?.kind == .memory)
        #expect(failure?.message.contains("needs \(need.total) MiB") == true)
        #expect(failure?.message.contains("has \(available) MiB free of \(total) MiB") == true)
        #expect(failure?.remedy.contains("\(need.total - available) MiB more") == true)
    }

    @Test(arguments: [
        ("", LiveRootChoice.tryAgain), ("R", .tryAgain), ("n", .nodeScreen), (" b ", .reboot), ("x", nil),
    ])
    func menu(line: String, choice: LiveRootChoice?) { #expect(LiveRootChoice(line: line) == choice) }
}
