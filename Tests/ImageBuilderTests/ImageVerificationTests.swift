import Archive
import FoundationEssentials
import Glibc
import HostModel
import Signing
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct ImageVerificationTests {
    @Test func aWholeImagePasses() throws {
        let image = try SealedImage()
        let checks = try image.verification().run()
        #expect(checks.filter { !$0.isPassed } == [])
        #expect(
            checks.map(\.subject) == [
                "SHA256SUMS", "vmlinuz", "initramfs.zst", "root.squashfs", "sbom.spdx.json", "packages.json",
                "manifest.json", "manifest.json.p7s", "manifest", "signature", "root.squashfs dm-verity",
            ]
        )
    }

    /// At the beginning of a file, in its middle, at its end; of the short ones in every byte: one bit that changes from byte
    /// to byte, and the one that makes a small letter of a capital one.
    @Test(
        "case 57: one flipped bit in any file fails",
        arguments: [
            "vmlinuz", "initramfs.zst", "root.squashfs", "manifest.json", "manifest.json.p7s", "sbom.spdx.json",
            "packages.json", "SHA256SUMS",
        ]
    )
    func flippedBit(name: String) throws {
        let image = try SealedImage()
        let bytes = try image.scratch.bytes(name)
        let isShort = bytes.count < 1000
        let bits =
            isShort
            ? bytes.indices.flatMap { [$0 * 8 + $0 % 8, $0 * 8 + 5] } : [0, bytes.count * 4 + 3, bytes.count * 8 - 1]
        for bit in bits {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            _ = try image.scratch.write(changed, to: name)
            #expect(try image.failures().isEmpty == false, "\(name), bit \(bit)")
        }
        _ = try image.scratch.write(bytes, to: name)
        #expect(try image.failures() == [])
    }

    /// Whoever changes a file can also write its sums anew, but not the signature.
    @Test func sumsThatWereWrittenAnewDoNotHelp() async throws {
        let image = try SealedImage()
        let text = String(decoding: try image.scratch.bytes("manifest.json"), as: UTF8.self)
        _ = try image.scratch.write(Array(text.replacing("quiet", with: "debug").utf8), to: "manifest.json")
        let names = try names(in: image.folder).filter { $0 != "SHA256SUMS" }
        let sums = try await output(of: "sha256sum", ["--"] + names, in: image.folder)
        _ = try image.scratch.write(Array(sums.utf8), to: "SHA256SUMS")
        #expect(try image.failures() == ["signature"])
    }

    @Test("a file that no signature covers fails, whatever its sums say", arguments: ["packages.json", "extra"])
    func unsignedFile(name: String) async throws {
        let image = try SealedImage()
        _ = try image.scratch.write(Array("[]\n".utf8), to: name)
        let names = try names(in: image.folder).filter { $0 != "SHA256SUMS" }
        let sums = try await output(of: "sha256sum", ["--"] + names, in: image.folder)
        _ = try image.scratch.write(Array(sums.utf8), to: "SHA256SUMS")
        #expect(try image.failures() == [name])
    }

    @Test func aFileTooManyOrTooFewFails() throws {
        let image = try SealedImage()
        _ = try image.scratch.write([1], to: "extra")
        #expect(try image.failures() == ["extra"])
        remove(image.scratch.file("extra"))
        remove(image.scratch.file("packages.json"))
        #expect(try image.failures() == ["packages.json"])
        #expect(symlink("vmlinuz", image.scratch.file("packages.json").string) == 0)
        #expect(try image.failures() == ["packages.json"])
    }

    @Test func unsignedImagesPassOnlyWhenAskedTo() throws {
        let unsigned = try SealedImage(isSigned: false)
        #expect(try unsigned.failures() == ["signature"])
        #expect(try unsigned.failures(allowsUnsigned: true) == [])
        let signed = try SealedImage()
        let stranger = try ImageSigner.generate(name: "stranger", now: 0)
        let other = ImageVerification(folder: signed.folder, trusted: stranger.trusted, allowsUnsigned: true)
        #expect(try other.run().filter { !$0.isPassed }.map(\.subject) == ["signature"])
        let nobody = ImageVerification(folder: signed.folder, trusted: nil)
        #expect(try nobody.run().filter { !$0.isPassed }.map(\.subject) == ["signature"])
    }

    @Test func theSumsAreWhatSha256sumReads() async throws {
        let image = try SealedImage()
        let report = try await output(of: "sha256sum", ["--check", "--strict", "SHA256SUMS"], in: image.folder)
        #expect(report.split(separator: "\n").count == 7)
        #expect(!report.contains("FAILED"))
    }

    @Test func noImageIsAnError() throws {
        let scratch = try Scratch("none")
        #expect(throws: BuildError.self) {
            try ImageVerification(folder: scratch.path, trusted: nil).run()
        }
    }

    /// Data of one block, of a level, of a level and one more; and of two levels and one more, where there is time.
    @Test(
        "the hash tree is veritysetup's",
        arguments: [1, 2, 128, 129, 300] + (getenv("MUSTER_TEST_IMAGES") == nil ? [] : [128 * 128 + 1])
    )
    func verityTree(blocks: Int) async throws {
        let scratch = try Scratch("verity")
        let data = (0..<blocks * 4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let file = try scratch.write(data, to: "data")
        let salt = try #require(Nonce(bytes: (0..<32).map { UInt8($0) }))
        let report = try await output(
            of: "veritysetup",
            [
                "format", "--no-superblock", "--salt", salt.description, "--hash-offset", String(data.count),
                "--data-blocks", String(blocks), file.string, file.string,
            ]
        )
        var tree = VerityTree(salt: salt)
        data.withUnsafeBytes { tree.add($0) }
        let made = try #require(tree.finish())
        #expect(report.contains(made.rootHash.description))
        let verity = RootVerity(rootHash: made.rootHash, salt: salt, dataSize: Int64(data.count))
        #expect(Array(try scratch.bytes("data")[data.count...]) == made.tree)
        #expect(try verity.complaint(about: file) == nil)
        for offset in [0, data.count - 1] + (made.tree.isEmpty ? [] : [data.count, data.count + made.tree.count - 1]) {
            var changed = data + made.tree
            changed[offset] ^= 1
            #expect(try verity.complaint(about: try scratch.write(changed, to: "changed")) != nil, "\(offset)")
        }
        #expect(try verity.complaint(about: try scratch.write(data.dropLast(), to: "changed")) != nil)
    }

    @Test(arguments: [
        "", "\n", "abc  vmlinuz\n", String(repeating: "A", count: 64) + "  vmlinuz\n",
        String(repeating: "a", count: 64) + "  vmlinuz", String(repeating: "a", count: 64) + " *vmlinuz\n",
        String(repeating: "a", count: 64) + "  ../x\n", String(repeating: "a", count: 64) + "  .lock\n",
        String(repeating: String(repeating: "a", count: 64) + "  vmlinuz\n", count: 2),
    ])
    func noSums(text: String) { #expect(SumsFile(text) == nil) }
}
