import Archive
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// Packs a finished tree into a squashfs with its dm-verity hash tree behind it. The tree goes from its archive into
/// mksquashfs as it is read; it is never on the disk.
struct RootImageStage {
    static let imageName = "root.squashfs"
    static let verityName = "verity.json"
    /// What mksquashfs may keep in memory, in MiB: a quarter of the machine's, its default, is 6 GiB on a machine of 24.
    private static let memory = 512

    var stream: TreeStream
    var compression: RootDefinition.Compression

    /// What else the result depends on.
    static func toolVersion() async throws -> String {
        let text = try await Tool.mksquashfs.run(["-version"])
        return String(text.split(separator: "\n").first ?? "")
    }

    /// `folder` gets image and tree, and what the manifest says of them.
    func make(at folder: FilePath, plan: TreeStream.Plan, report: @escaping @Sendable (Int64) -> Void) async throws {
        try makeDirectory(folder)
        let image = folder.appending(Self.imageName)
        let epoch = String(stream.epoch)
        let arguments = [
            "-", image.string, "-tar", "-noappend", "-no-recovery", "-quiet", "-no-progress", "-exit-on-error",
            "-comp", "zstd", "-Xcompression-level", String(compression.level), "-b", "\(compression.blockKiB)K",
            "-mem", "\(Self.memory)M", "-root-mode", "0755",
        ]
        // A tar archive names no root directory, and mksquashfs 4.5 heeds neither -root-uid nor -root-time with one: the
        // root is whoever runs it, at the time of the build or SOURCE_DATE_EPOCH, whichever is earlier.
        guard stream.epoch <= Int64(time(nil)) else {
            throw BuildError(
                .definition,
                "the image's time stamp \(epoch) lies in the future of this machine's clock",
                remedy: "set the clock, or choose an earlier epoch"
            )
        }
        let stream = stream
        let (tool, before) = try asRoot()
        try await tool.run(before + arguments, environment: ["SOURCE_DATE_EPOCH": epoch]) { pipe in
            try stream.write(to: pipe, plan, report: report)
        }
        let measured = try measure(image)
        // The content's own hash: the same tree has the same salt, and no other has.
        let verity = try VerityTree.append(to: image, salt: measured.sha256)
        try writeFile(try JSONEncoder().encode(verity), to: folder.appending(Self.verityName))
    }

    /// Whoever builds is root in a user namespace, where he is not root anyway.
    private func asRoot() throws(BuildError) -> (tool: Tool, arguments: [String]) {
        if geteuid() == 0 { return (.mksquashfs, []) }
        return (.unshare, ["--map-root-user", "--", try Tool.mksquashfs.path().string])
    }

    /// The image of a finished result.
    static func read(_ folder: FilePath) throws -> RootImage {
        let text = try readText(folder.appending(verityName), limit: 4096)
        let verity = try JSONDecoder().decode(RootVerity.self, from: Data(text.utf8))
        return RootImage(file: folder.appending(imageName), verity: verity)
    }
}

/// A root image, ready to be copied into its place.
struct RootImage: Sendable {
    var file: FilePath
    var verity: RootVerity
}
