import Glibc
import HostModel
import Signing
import SystemPackage
import Testing

@testable import ImageBuilder

/// A folder as a build leaves it, with small files of every role: made by the build's own seal.
struct SealedImage {
    static let signer = Result { try ImageSigner.generate(name: "muster images", now: 1_750_000_000) }
    static let epoch: Int64 = 1_700_000_000
    let scratch: Scratch
    let manifest: ImageManifest
    var folder: FilePath { scratch.path }

    init(isSigned: Bool = true) throws {
        scratch = try Scratch("sealed")
        let data = (0..<3 * 4096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let salt = try #require(Nonce(hex: String(repeating: "5a", count: 32)))
        var tree = VerityTree(salt: salt)
        data.withUnsafeBytes { tree.add($0) }
        let hashes = try #require(tree.finish())
        _ = try scratch.write(Array("kernel".utf8), to: "vmlinuz")
        _ = try scratch.write(Array("070701 initramfs".utf8), to: "initramfs.zst")
        _ = try scratch.write(data + hashes.tree, to: "root.squashfs")
        let verity = RootVerity(rootHash: hashes.rootHash, salt: salt, dataSize: Int64(data.count))
        var files: [ImageManifest.File] = []
        for (name, role) in [("vmlinuz", ImageManifest.File.Role.kernel), ("initramfs.zst", .initramfs)] {
            let measured = try measure(scratch.file(name))
            files.append(.init(name: name, role: role, size: measured.size, sha256: measured.sha256))
        }
        let root = try measure(scratch.file("root.squashfs"))
        files.append(
            .init(name: "root.squashfs", role: .root, size: root.size, sha256: root.sha256, verity: verity)
        )
        let bare = ImageManifest(
            name: "node-test",
            version: ImageOutput.version(of: files, words: []),
            architecture: "x86_64",
            kernelVersion: "6.1.0-56-amd64",
            kernelArguments: ["quiet"],
            files: files
        )
        let packages = [
            SBOMPackage(name: "libstdc++6", version: "1:12.2+b1~x", architecture: "amd64", ecosystem: .debian),
            SBOMPackage(name: "bash", version: "5.2", architecture: "amd64", ecosystem: .debian, sha256: salt),
            SBOMPackage(name: "muster-agent", version: "", ecosystem: .none),
        ]
        let signer = isSigned ? try Self.signer.get() : nil
        let seal = ImageSeal(signer: signer, pins: [], packages: packages, epoch: Self.epoch)
        manifest = try seal.write(bare, to: scratch.path)
    }

    func verification(allowsUnsigned: Bool = false) throws -> ImageVerification {
        let trusted = try Self.signer.get().trusted
        return ImageVerification(folder: folder, trusted: trusted, allowsUnsigned: allowsUnsigned)
    }

    /// The subjects that fail.
    func failures(allowsUnsigned: Bool = false) throws -> [String] {
        try verification(allowsUnsigned: allowsUnsigned).run().filter { !$0.isPassed }.map(\.subject)
    }
}
