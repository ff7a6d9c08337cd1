import Archive
import Crypto
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

extension ImageBuild {
    /// What the kernel stage needs at most in the cache directory, in bytes: the unpacked modules.
    private static let spaceForKernel: Int64 = 600 << 20
    /// The same for one member of an initramfs, before and after compression.
    private static let spaceForMember: Int64 = 160 << 20

    typealias Report = @Sendable (BuildProgress) -> Void

    /// Builds the image, or finds that it stands there already. Throws `BuildError` for everything that is wrong, kind
    /// `interrupted` when its task is cancelled; in any case the output directory is as it was.
    package func run(progress: @escaping @Sendable (BuildProgress) -> Void) async throws -> BuiltImage {
        do {
            return try await build(progress)
        } catch {
            throw Task.isCancelled ? BuildError.interrupted : BuildError(error, doing: "build the image")
        }
    }

    private func build(_ progress: @escaping Report) async throws -> BuiltImage {
        let wanted = try ImageDefinition.read(definition)
        try checkAgent(wanted)
        let unifiedKernel = try unifiedKernel(of: wanted)
        let menu = try menu(of: wanted)
        let wantedEpoch = try wanted.epoch ?? environmentEpoch()
        try checkPlace(outputDirectory)
        try makeDirectory(outputDirectory)
        try makeDirectory(cacheDirectory)
        let cache = StageCache(directory: cacheDirectory)
        try cache.removeUnfinished()
        if wanted.root == nil { try requireSpace(forOutputOf: wanted) }
        let root = try await rootParts(wanted, epoch: wantedEpoch, cache, progress)
        var inputs = try await fetchPackages(wanted, progress)
        inputs.root = root?.base.packages ?? []
        let epoch =
            try root?.base.epoch ?? wantedEpoch ?? inputs.kernel.map { try DebianPackage.date(of: $0.file) } ?? 0
        // The longest stage of a build without a root image, on one processor: the kernel is unpacked meanwhile.
        async let agentMember = member(
            .agent,
            RootTree.agent(wanted, agent: agent),
            wanted,
            epoch: epoch,
            cache,
            progress
        )
        async let installedLoaders = loaders(wanted, menu?.installed, epoch: epoch, cache, progress)
        let kernel = try await kernelStage(wanted, inputs, root?.base, cache, progress)
        let system = try await systemMember(wanted, inputs, kernel, epoch: epoch, cache, progress)
        finish(.system, "modules and packages", cached: system.cached, progress)
        let program = try await agentMember
        finish(.agent, wanted.agent.map { "\($0)" } ?? "none", cached: program.cached, progress)
        var files = try RootTree.node(wanted)
        try addCertificates(to: &files)
        try addRollbackIndex(wanted, to: &files)
        let node = try await member(.node, files, wanted, epoch: epoch, cache, progress)
        finish(.node, "files", cached: node.cached, progress)
        let loaders = try await installedLoaders
        if let loaders { finish(.loaders, InstalledLoaders.fileName, cached: loaders.cached, progress) }
        let output = ImageOutput(
            directory: outputDirectory,
            definition: wanted,
            kernelVersion: try KernelStage.readRelease(kernel.result.path),
            media: menu.map { MediaOutput(definition: wanted, menuTemplate: $0.medium, epoch: epoch) },
            unifiedKernel: unifiedKernel,
            seal: try seal(wanted, inputs, epoch: epoch),
            progress: progress
        )
        let built = try await output.write(
            kernel: kernel.result.path.appending("vmlinuz"),
            members: [system.path, program.path, node.path],
            root: root?.image,
            loaders: loaders?.path
        )
        // The results are held until here: another build's clean-up must not take them away while they are copied.
        withExtendedLifetime((root, kernel, system, program, node, loaders)) {}
        finish(.image, "\(summary(built, wanted)), \(output.seal.report)", cached: built.isUnchanged, progress)
        return built
    }

    private func summary(_ built: BuiltImage, _ wanted: ImageDefinition) -> String {
        let manifest = built.manifest
        let pxe = manifest.files.filter { [.kernel, .initramfs].contains($0.role) }.reduce(0) { $0 + $1.size }
        var text = "\(manifest.name) \(manifest.version), \(pxe >> 20) MiB of at most \(wanted.sizeLimit >> 20)"
        if let root = manifest.file(.root) { text += ", root image \(root.size >> 20) MiB" }
        return text
    }

    func finish(
        _ stage: BuildProgress.Stage,
        _ detail: String,
        cached: Bool,
        _ progress: Report
    ) {
        progress(BuildProgress(stage: stage, detail: detail, cached: cached, isFinished: true))
    }

    private func checkAgent(_ wanted: ImageDefinition) throws {
        guard let place = wanted.agent ?? wanted.root?.agent else { return }
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

    /// The template of the media's start menu, and the menu of installed disks, if the definition asks for one of them.
    private func menu(of wanted: ImageDefinition) throws -> (medium: String, installed: String)? {
        guard !wanted.outputs.isDisjoint(with: [.iso, .disk, .install]) else { return nil }
        guard let menuTemplate else {
            throw BuildError(
                .definition,
                "the image wants a boot medium, and there is no template of its menu",
                remedy: "build in the checkout, or name the directory of boot scripts with --pxe-directory"
            )
        }
        let installed = menuTemplate.removingLastComponent().appending(InstalledLoaders.menuName)
        return (
            try readText(menuTemplate, limit: DefinitionFile.largest),
            wanted.outputs.contains(.install) ? try readText(installed, limit: DefinitionFile.largest) : ""
        )
    }

    /// A link in the place of the folder may lead anywhere; one on the way to it is the person's own.
    private func checkPlace(_ folder: FilePath) throws {
        guard case .symbolicLink(let target)? = try? FileKind(of: folder) else { return }
        throw BuildError(
            .files,
            "the output folder \(folder) is a symbolic link to \(target)",
            remedy: "name the folder itself"
        )
    }

    /// SOURCE_DATE_EPOCH: decimal seconds (https://reproducible-builds.org/specs/source-date-epoch/), as far as squashfs
    /// and cpio can hold them.
    private func environmentEpoch() throws -> Int64? {
        guard let text = sourceDateEpoch, !text.isEmpty else { return nil }
        let isDecimal = text.utf8.allSatisfy { (48...57).contains($0) }
        guard isDecimal, let epoch = Int64(text), DefinitionReader.epochs.contains(Int(epoch)) else {
            throw BuildError(
                .definition,
                "SOURCE_DATE_EPOCH is \(text.debugDescription), not seconds from 0 to \(DefinitionReader.epochs.upperBound)",
                remedy: "correct the variable, or unset it"
            )
        }
        return epoch
    }

    private func fetchPackages(_ wanted: ImageDefinition, _ progress: Report) async throws -> PackageInputs {
        let store = PackageStore(directory: cacheDirectory.appending("packages"))
        try makeDirectory(store.directory)
        let lock = try await FileLock.take(store.directory.appending(".lock")) {
            progress(BuildProgress(stage: .packages, detail: "waiting for another build"))
        }
        defer { withExtendedLifetime(lock) {} }
        return try await PackageInputs.fetch(wanted, store) { detail, cached in
            progress(BuildProgress(stage: .packages, detail: detail, cached: cached, isFinished: cached))
        }
    }

    private func kernelStage(
        _ wanted: ImageDefinition,
        _ inputs: PackageInputs,
        _ base: BaseTree?,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> (result: StageResult, key: String) {
        var key = StageKey("kernel")
        key.add(base?.key ?? inputs.kernel?.pin.sha256.description ?? "")
        for directory in wanted.modules.directories { key.add("directory \(directory)") }
        for name in wanted.modules.names { key.add("module \(name)") }
        for name in wanted.modules.excluded { key.add("without \(name)") }
        guard let source = base.map({ .tree($0.tar) }) ?? inputs.kernel.map({ KernelStage.Source.package($0.file) })
        else {
            throw BuildError(.definition, "the image has no kernel", remedy: "name its package")
        }
        let stage = KernelStage(source: source, selection: wanted.modules)
        let result = try await cache.result(.kernel, key: key, onWait: { waiting(.kernel, progress) }) { path in
            try requireSpace(Self.spaceForKernel, for: "the kernel's modules")
            progress(
                BuildProgress(stage: .kernel, detail: "unpacking \(inputs.kernel?.pin.name ?? "the tree's kernel")")
            )
            try await stage.make(at: path)
        }
        let release = try KernelStage.readRelease(result.path)
        finish(.kernel, "modules of \(release)", cached: result.cached, progress)
        return (result, key.digest)
    }

    private func systemMember(
        _ wanted: ImageDefinition,
        _ inputs: PackageInputs,
        _ kernel: (result: StageResult, key: String),
        epoch: Int64,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> StageResult {
        var key = StageKey("system")
        key.add("\(kernel.key) \(epoch) \(wanted.compressionLevel) \(wanted.applets?.text ?? "")")
        for (path, mode) in wanted.directories.sorted(by: { $0.key < $1.key }) { key.add("directory \(path) \(mode)") }
        for input in inputs.packages {
            key.add(input.pin.sha256.description)
            for path in input.selection.paths { key.add(path.text) }
        }
        return try await cache.result(.system, key: key, onWait: { waiting(.system, progress) }) { path in
            try requireSpace(2 * Self.spaceForMember, for: "the compressed modules")
            progress(BuildProgress(stage: .system, detail: "compressing modules and packages"))
            let packages = inputs.packages.map { (selection: $0.selection, file: $0.file) }
            let tree = try await RootTree.system(
                wanted,
                kernel: kernel.result.path,
                packages: packages,
                scratch: FilePath(path.string + ".applets")
            )
            let member = InitramfsMember(level: wanted.compressionLevel, epoch: epoch)
            try await member.write(RootTree.parts(tree), to: path)
        }
    }

    /// A part of the initramfs that is known by its files.
    private func member(
        _ stage: BuildProgress.Stage,
        _ tree: FileTree,
        _ wanted: ImageDefinition,
        epoch: Int64,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> StageResult {
        var key = StageKey(stage.rawValue)
        key.add("\(epoch) \(wanted.compressionLevel)")
        for (path, node) in tree.sorted {
            if case .file(.file(let source), let mode) = node {
                key.add("\(path) \(mode) \(try measure(source).sha256)")
            } else {
                key.add("\(path) \(node)")
            }
        }
        return try await cache.result(stage, key: key, onWait: { waiting(stage, progress) }) { path in
            try requireSpace(Self.spaceForMember, for: "the compressed files")
            progress(BuildProgress(stage: stage, detail: "compressing"))
            try await InitramfsMember(level: wanted.compressionLevel, epoch: epoch).write([tree], to: path)
        }
    }

    /// What makes a disk boot, as a file; `nil` where the definition does not ask for it.
    private func loaders(
        _ wanted: ImageDefinition,
        _ menu: String?,
        epoch: Int64,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> StageResult? {
        guard let menu, wanted.outputs.contains(.install) else { return nil }
        let loaders = InstalledLoaders(
            seed: MediumSeed(content: wanted.name),
            menu: menu,
            secureBoot: wanted.secureBoot,
            epoch: epoch
        )
        try loaders.requireTools()
        return try await cache.result(.loaders, key: try loaders.key(), onWait: { waiting(.loaders, progress) }) {
            path in
            try requireSpace(InstalledLoaders.espSize, for: "the boot partition of an installed disk")
            progress(BuildProgress(stage: .loaders, detail: "putting GRUB together"))
            try await loaders.write(to: path)
        }
    }

    func waiting(_ stage: BuildProgress.Stage, _ progress: Report) {
        progress(BuildProgress(stage: stage, detail: "waiting for another build"))
    }

    /// An image that is all initramfs, at most as large as its definition allows: known before anything is fetched.
    private func requireSpace(forOutputOf wanted: ImageDefinition) throws {
        let media = Int64(wanted.outputs.intersection([.iso, .disk]).count)
        var plan = SpacePlan()
        plan.add(wanted.sizeLimit, in: outputDirectory, for: "the finished image")
        plan.add(
            media * BootMedium.requiredSpace(contents: wanted.sizeLimit),
            in: outputDirectory,
            for: "its boot media"
        )
        if wanted.outputs.contains(.install) {
            plan.add(InstalledLoaders.espSize, in: outputDirectory, for: "the boot partition of an installed disk")
        }
        try plan.check()
    }

    private func requireSpace(_ needed: Int64, for what: String) throws {
        var plan = SpacePlan()
        plan.add(needed, in: cacheDirectory, for: what)
        try plan.check()
    }
}
