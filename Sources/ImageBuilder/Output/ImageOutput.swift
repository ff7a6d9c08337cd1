import Crypto
import Glibc
import HostModel
import SystemPackage

/// Writes a finished image beside its place and renames it.
struct ImageOutput {
    static let kernelName = "vmlinuz"
    static let initramfsName = "initramfs.zst"
    static let rootName = RootImageStage.imageName
    static let manifestName = ImageSeal.manifestName
    private static let unfinished = ".unfinished"
    /// Manifest, signature, sums and package lists, in bytes.
    private static let spaceForTexts: Int64 = 4 << 20
    /// The largest of them that is compared, in bytes.
    private static let textBytesMax = 4 << 20

    /// Holds one folder for each image name.
    var directory: FilePath
    var definition: ImageDefinition
    var kernelVersion: String
    /// `nil` for an image without media.
    var media: MediaOutput?
    /// `nil` for an image without a signed EFI program.
    var unifiedKernel: UnifiedKernelImage?
    var seal: ImageSeal
    var progress: @Sendable (BuildProgress) -> Void

    /// `members` are compressed cpio archives; the kernel unpacks one after the other. `loaders` are for an installed disk.
    func write(
        kernel: FilePath,
        members: [FilePath],
        root: RootImage?,
        loaders: FilePath?
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
        try requireSpace(for: [kernel] + members + (root.map { [$0.file] } ?? []) + (loaders.map { [$0] } ?? []))
        try concatenate([kernel], to: new.appending(Self.kernelName))
        try concatenate(members, to: new.appending(Self.initramfsName))
        if let root { try concatenate([root.file], to: new.appending(Self.rootName)) }
        if let loaders { try concatenate([loaders], to: new.appending(InstalledLoaders.fileName)) }
        var manifest = try manifest(of: new, root, hasLoaders: loaders != nil)
        try checkSize(manifest)
        if let media {
            let present = images.appending(manifest.version)
            let documents = try seal.documents(manifest)
            manifest.files += try await media.write(manifest, documents, to: new, present: present, progress: progress)
        }
        // Behind the media, which carry a manifest of what they hold.
        if let unifiedKernel {
            progress(BuildProgress(stage: .image, detail: "signing \(UnifiedKernelImage.fileName(manifest.name))"))
            manifest.files.append(try unifiedKernel.write(manifest, to: new))
        }
        manifest = try seal.write(manifest, to: new)
        let place = images.appending(manifest.version)
        let isUnchanged = isWhole(place, manifest, like: new)
        if !isUnchanged {
            remove(place)
            try flush(new)
            try rename(new, to: place)
            try flush(images)
        }
        try pointCurrent(to: manifest.version, in: images)
        return BuiltImage(directory: place, manifest: manifest, isUnchanged: isUnchanged)
    }

    private func manifest(of folder: FilePath, _ root: RootImage?, hasLoaders: Bool) throws -> ImageManifest {
        func file(_ name: String, _ role: ImageManifest.File.Role, _ verity: RootVerity? = nil) throws
            -> ImageManifest.File
        {
            let measured = try measure(folder.appending(name))
            return .init(name: name, role: role, size: measured.size, sha256: measured.sha256, verity: verity)
        }
        var files = [try file(Self.kernelName, .kernel), try file(Self.initramfsName, .initramfs)]
        if let root { files.append(try file(Self.rootName, .root, root.verity)) }
        if hasLoaders { files.append(try file(InstalledLoaders.fileName, .loaders)) }
        return ImageManifest(
            name: definition.name,
            version: Self.version(
                of: files,
                words: definition.kernelArguments + (unifiedKernel.map(\.identity) ?? [])
            ),
            architecture: definition.architecture,
            kernelVersion: kernelVersion,
            kernelArguments: definition.kernelArguments,
            rollbackIndex: definition.rollbackIndex > 0 ? definition.rollbackIndex : nil,
            files: files
        )
    }

    /// The first 12 hex digits of the SHA-256 over what boots: the digests of kernel, initramfs, root and loaders in the
    /// manifest's order, the words that every boot adds to the command line, and what a signed EFI program says beside them.
    /// That program, media and lists are made of these and may carry the version.
    static func version(of files: [ImageManifest.File], words: [String]) -> String {
        let boots = files.filter { [.kernel, .initramfs, .root, .loaders].contains($0.role) }
        var hash = SHA256()
        for file in boots { hash.update(data: file.sha256.bytes) }
        for word in words { hash.update(data: Array(word.utf8) + [0]) }
        let digest = hash.finalize()
        return String((Nonce(bytes: Array(digest))?.description ?? "").prefix(12))
    }

    private func checkSize(_ manifest: ImageManifest) throws {
        let size = manifest.files.filter { [.kernel, .initramfs].contains($0.role) }.reduce(0) { $0 + $1.size }
        guard size > definition.sizeLimit else { return }
        let mebibytes = String(Double((size * 10) >> 20) / 10)
        throw BuildError(
            .result,
            "kernel and initramfs are \(mebibytes) MiB, over the definition's \(definition.sizeLimit >> 20)",
            remedy: "take out modules, or raise size-limit-mib"
        )
    }

    private func requireSpace(for files: [FilePath]) throws {
        let contents = try files.reduce(0) { try $0 + fileSize($1) }
        let media = definition.outputs.intersection([.iso, .disk]).count
        var plan = SpacePlan()
        plan.add(Self.spaceForTexts + contents, in: directory, for: "the image")
        if unifiedKernel != nil { plan.add(contents, in: directory, for: "its signed EFI program") }
        if media > 0 {
            plan.add(Int64(media) * BootMedium.requiredSpace(contents: contents), in: directory, for: "its boot media")
        }
        try plan.check()
    }

    /// True when the version stands in its place with the right bytes, its signature included; a damaged one is replaced.
    private func isWhole(_ place: FilePath, _ manifest: ImageManifest, like new: FilePath) -> Bool {
        func text(_ name: String, in folder: FilePath) -> [UInt8]? {
            try? readBytes(folder.appending(name), limit: Self.textBytesMax)
        }
        guard ImageSeal.textNames.allSatisfy({ text($0, in: place) == text($0, in: new) }) else { return false }
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
