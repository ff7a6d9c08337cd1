import Crypto
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// Writes a finished image beside its place and renames it.
struct ImageOutput {
    static let kernelName = "vmlinuz"
    static let initramfsName = "initramfs.zst"
    static let rootName = RootImageStage.imageName
    static let manifestName = "manifest.json"
    private static let unfinished = ".unfinished"
    /// Manifest, sums and package list, in bytes.
    private static let spaceForTexts: Int64 = 256 << 10

    /// Holds one folder for each image name.
    var directory: FilePath
    var definition: ImageDefinition
    var kernelVersion: String
    /// Every time stamp, in seconds since 1970.
    var epoch: Int64
    /// The media that the definition asks for.
    var media: [any BootMedium]
    var progress: @Sendable (BuildProgress) -> Void

    /// `members` are compressed cpio archives; the kernel unpacks one after the other.
    func write(
        kernel: FilePath,
        members: [FilePath],
        root: RootImage?,
        packages: [PackagePin]
    ) async throws -> BuiltImage {
        let images = directory.appending(definition.name)
        try makeDirectory(images)
        let lock = try await FileLock.take(images.appending(".lock")) {
            progress(BuildProgress(stage: .image, detail: "waiting for another build"))
        }
        defer { withExtendedLifetime(lock) {} }
        progress(BuildProgress(stage: .image, detail: "putting \(definition.name) together"))
        let new = images.appending(Self.unfinished)
        remove(new)
        defer { remove(new) }
        try makeDirectory(new)
        try requireSpace(for: [kernel] + members + (root.map { [$0.file] } ?? []))
        try concatenate([kernel], to: new.appending(Self.kernelName))
        try concatenate(members, to: new.appending(Self.initramfsName))
        if let root { try concatenate([root.file], to: new.appending(Self.rootName)) }
        var manifest = try manifest(of: new, root)
        try checkSize(manifest)
        manifest.files += try await writeMedia(of: manifest, in: new)
        try writeTexts(manifest, packages, to: new)
        let place = images.appending(manifest.version)
        let isUnchanged = isWhole(place, manifest)
        if !isUnchanged {
            remove(place)
            try flush(new)
            try rename(new, to: place)
            try flush(images)
        }
        try pointCurrent(to: manifest.version, in: images)
        return BuiltImage(directory: place, manifest: manifest, isUnchanged: isUnchanged)
    }

    private func writeMedia(of manifest: ImageManifest, in folder: FilePath) async throws -> [ImageManifest.File] {
        var files: [ImageManifest.File] = []
        for medium in media.sorted(by: { $0.medium.rawValue < $1.medium.rawValue }) {
            progress(BuildProgress(stage: .media, detail: "writing \(medium.medium.rawValue)"))
            files.append(try await medium.write(manifest, in: folder, epoch: epoch))
        }
        if !files.isEmpty {
            let names = files.map(\.name).joined(separator: ", ")
            progress(BuildProgress(stage: .media, detail: names, isFinished: true))
        }
        return files
    }

    private func manifest(of folder: FilePath, _ root: RootImage?) throws -> ImageManifest {
        func file(_ name: String, _ role: ImageManifest.File.Role, _ verity: RootVerity? = nil) throws
            -> ImageManifest.File
        {
            let measured = try measure(folder.appending(name))
            return .init(name: name, role: role, size: measured.size, sha256: measured.sha256, verity: verity)
        }
        var files = [try file(Self.kernelName, .kernel), try file(Self.initramfsName, .initramfs)]
        if let root { files.append(try file(Self.rootName, .root, root.verity)) }
        return ImageManifest(
            name: definition.name,
            version: Self.version(of: files),
            architecture: definition.architecture,
            kernelVersion: kernelVersion,
            kernelArguments: definition.kernelArguments,
            files: files
        )
    }

    /// The first 12 hex digits of the SHA-256 over the digests of what boots: kernel, initramfs and root, in the manifest's
    /// order. Media and lists are made of these and may carry the version.
    static func version(of files: [ImageManifest.File]) -> String {
        let boots = files.filter { [.kernel, .initramfs, .root].contains($0.role) }
        let digest = SHA256.hash(data: boots.flatMap(\.sha256.bytes))
        return String((Nonce(bytes: Array(digest))?.description ?? "").prefix(12))
    }

    private func checkSize(_ manifest: ImageManifest) throws {
        let size = manifest.files.filter { $0.role != .root }.reduce(0) { $0 + $1.size }
        guard size > definition.sizeLimit else { return }
        let mebibytes = String(Double(size * 10 >> 20) / 10)
        throw BuildError(
            .result,
            "kernel and initramfs are \(mebibytes) MiB, over the definition's \(definition.sizeLimit >> 20)",
            remedy: "take out modules, or raise size-limit-mib"
        )
    }

    private func requireSpace(for files: [FilePath]) throws {
        let needed = try files.reduce(Self.spaceForTexts) { try $0 + fileSize($1) }
        let free = try freeSpace(at: directory)
        guard free < needed else { return }
        throw BuildError(
            .diskFull,
            "\(directory) has \(free >> 10) KiB free; the image needs \(needed >> 10)",
            remedy: "free space there, or name another output directory, and build again"
        )
    }

    private func writeTexts(_ manifest: ImageManifest, _ packages: [PackagePin], to folder: FilePath) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeFile(try encoder.encode(manifest) + [10], to: folder.appending(Self.manifestName))
        try writeFile(try encoder.encode(packages) + [10], to: folder.appending("packages.json"))
        let sums = manifest.files.map { "\($0.sha256)  \($0.name)\n" }.joined()
        try writeFile(sums.utf8, to: folder.appending("SHA256SUMS"))
    }

    /// True when the version stands in its place with the right bytes; a damaged one is replaced.
    private func isWhole(_ place: FilePath, _ manifest: ImageManifest) -> Bool {
        guard let text = try? readText(place.appending(Self.manifestName), limit: 1 << 20),
            let present = try? JSONDecoder().decode(ImageManifest.self, from: Data(text.utf8)), present == manifest
        else { return false }
        return manifest.files.allSatisfy { file in
            guard let measured = try? measure(place.appending(file.name)) else { return false }
            return measured.size == file.size && measured.sha256 == file.sha256
        }
    }

    private func pointCurrent(to version: String, in images: FilePath) throws {
        let new = images.appending("\(Self.unfinished)-current")
        remove(new)
        guard symlink(version, new.string) == 0 else { throw Errno(rawValue: errno) }
        try rename(new, to: images.appending("current"))
    }
}
