import Archive
import Crypto
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

extension ImageBuild {
    /// What a build needs at most in the cache directory, in bytes: the kernel's package and its unpacked modules.
    private static let spaceForKernel: Int64 = 600 << 20
    /// The same without the kernel stage: the compressed members.
    private static let spaceForMembers: Int64 = 64 << 20

    /// Builds the image, or finds that it stands there already. Throws `BuildError` for everything that is wrong,
    /// `CancellationError` when its task is cancelled; in both cases the output directory is as it was.
    package func run(progress: @Sendable (BuildProgress) -> Void) async throws -> BuiltImage {
        do {
            return try await build(progress)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw BuildError(error, doing: "build the image")
        }
    }

    private func build(_ progress: @Sendable (BuildProgress) -> Void) async throws -> BuiltImage {
        let wanted = try ImageDefinition.read(definition)
        try checkAgent(wanted)
        try makeDirectory(outputDirectory)
        try makeDirectory(cacheDirectory)
        let cacheLock = try await DirectoryLock.take(cacheDirectory) {
            progress(BuildProgress(stage: .packages, detail: "waiting for another build"))
        }
        let cache = StageCache(directory: cacheDirectory)
        try cache.removeUnfinished()
        let inputs = try await fetchPackages(wanted, progress)
        let kernel = try await kernelStage(wanted, inputs, cache, progress)
        let release = try KernelStage.readRelease(kernel.path)
        let epoch = wanted.epoch ?? release.date
        let system = try await systemMember(wanted, inputs, kernel, epoch: epoch, cache, progress)
        let node = try await nodeMember(wanted, epoch: epoch, cache, progress)
        let output = ImageOutput(
            directory: outputDirectory,
            definition: wanted,
            kernelVersion: release.release,
            seal: try seal(wanted, inputs, epoch: epoch)
        )
        let built = try await output.write(
            kernel: kernel.path.appending("vmlinuz"),
            members: [system, node],
            waiting: { progress(BuildProgress(stage: .image, detail: "waiting for another build")) }
        )
        progress(BuildProgress(stage: .image, detail: output.seal.report, cached: built.isUnchanged))
        let manifest = built.manifest
        let size = manifest.files.reduce(0) { $0 + $1.size }
        let detail = "\(manifest.name) \(manifest.version), \(size >> 20) MiB of at most \(wanted.sizeLimit >> 20)"
        progress(BuildProgress(stage: .image, detail: detail, cached: built.isUnchanged))
        _ = consume cacheLock
        return built
    }

    private func checkAgent(_ wanted: ImageDefinition) throws {
        guard let place = wanted.agent else { return }
        guard let agent else {
            throw BuildError(
                .definition,
                "the image wants an agent at \(place)",
                remedy: "build it (make agent) and name it with --agent"
            )
        }
        guard case .file(executable: true)? = try? FileKind(of: agent) else {
            throw BuildError(.files, "the agent \(agent) is not an executable file", remedy: "build it: make agent")
        }
    }

    private func fetchPackages(
        _ wanted: ImageDefinition,
        _ progress: @Sendable (BuildProgress) -> Void
    ) async throws -> PackageInputs {
        let store = PackageStore(directory: cacheDirectory.appending("packages"))
        try makeDirectory(store.directory)
        return try await PackageInputs.fetch(wanted, store) { detail, cached in
            progress(BuildProgress(stage: .packages, detail: detail, cached: cached))
        }
    }

    private func kernelStage(
        _ wanted: ImageDefinition,
        _ inputs: PackageInputs,
        _ cache: StageCache,
        _ progress: @Sendable (BuildProgress) -> Void
    ) async throws -> (path: FilePath, key: String) {
        var key = StageKey("kernel")
        key.add(inputs.kernel.pin.sha256.description)
        for directory in wanted.modules.directories { key.add("directory \(directory)") }
        for name in wanted.modules.names { key.add("module \(name)") }
        let stage = KernelStage(package: inputs.kernel.file, selection: wanted.modules)
        let result = try await cache.result(.kernel, key: key) { path in
            try requireSpace(Self.spaceForKernel, for: "the kernel's modules")
            progress(BuildProgress(stage: .kernel, detail: "unpacking \(inputs.kernel.pin.name)"))
            try await stage.make(at: path)
        }
        let release = try KernelStage.readRelease(result.path).release
        progress(BuildProgress(stage: .kernel, detail: "modules of \(release)", cached: result.cached))
        return (result.path, key.digest)
    }

    private func systemMember(
        _ wanted: ImageDefinition,
        _ inputs: PackageInputs,
        _ kernel: (path: FilePath, key: String),
        epoch: Int64,
        _ cache: StageCache,
        _ progress: @Sendable (BuildProgress) -> Void
    ) async throws -> FilePath {
        var key = StageKey("system")
        key.add("\(kernel.key) \(epoch) \(wanted.compressionLevel) \(wanted.applets?.text ?? "")")
        for (path, mode) in wanted.directories.sorted(by: { $0.key < $1.key }) { key.add("directory \(path) \(mode)") }
        for input in inputs.packages {
            key.add(input.pin.sha256.description)
            for path in input.selection.paths { key.add(path.text) }
        }
        let result = try await cache.result(.system, key: key) { path in
            try requireSpace(Self.spaceForMembers, for: "the compressed modules")
            progress(BuildProgress(stage: .system, detail: "compressing modules and packages"))
            let packages = inputs.packages.map { (selection: $0.selection, file: $0.file) }
            let tree = try await RootTree.system(
                wanted,
                kernel: kernel.path,
                packages: packages,
                scratch: cacheDirectory
            )
            try write(tree, to: path, level: wanted.compressionLevel, epoch: epoch)
        }
        progress(BuildProgress(stage: .system, detail: "modules and packages", cached: result.cached))
        return result.path
    }

    private func nodeMember(
        _ wanted: ImageDefinition,
        epoch: Int64,
        _ cache: StageCache,
        _ progress: @Sendable (BuildProgress) -> Void
    ) async throws -> FilePath {
        var tree = try RootTree.node(wanted, agent: agent)
        try addCertificates(to: &tree)
        var key = StageKey("node")
        key.add("\(epoch) \(wanted.compressionLevel)")
        for (path, node) in tree.sorted {
            if case .file(.file(let source), let mode) = node {
                key.add("\(path) \(mode) \(try measure(source).sha256)")
            } else {
                key.add("\(path) \(node)")
            }
        }
        let result = try await cache.result(.node, key: key) { path in
            try requireSpace(Self.spaceForMembers, for: "the compressed agent")
            progress(BuildProgress(stage: .node, detail: "compressing the agent and the node's files"))
            try write(tree, to: path, level: wanted.compressionLevel, epoch: epoch)
        }
        progress(BuildProgress(stage: .node, detail: "agent and files", cached: result.cached))
        return result.path
    }

    private func write(_ tree: FileTree, to path: FilePath, level: Int, epoch: Int64) throws {
        var writer = try CpioWriter.create(at: path, compression: .zstd(level: level), epoch: epoch)
        try writer.append(tree)
        try writer.finish()
    }

    private func requireSpace(_ needed: Int64, for what: String) throws {
        let free = try freeSpace(at: cacheDirectory)
        guard free < needed else { return }
        throw BuildError(
            .diskFull,
            "\(cacheDirectory) has \(free >> 20) MiB free; \(what) may need \(needed >> 20)",
            remedy: "free space there, or name another cache directory, and build again"
        )
    }
}
