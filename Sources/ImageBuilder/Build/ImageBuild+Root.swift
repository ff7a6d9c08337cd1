import Archive
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// What a build has of its root image.
struct RootParts: Sendable {
    var base: BaseTree
    var image: RootImage
    /// Keeps other builds from removing what is still needed.
    var results: [StageResult]
}

extension ImageBuild {
    /// A tool of a distribution keeps the tree on the disk while it packs it, and everything in it takes whole blocks.
    private static let treeCopies: Int64 = 2
    /// A squashfs is smaller than its tree; half is more than any tree of programs came to.
    private static let squashfsShare: Int64 = 2
    /// What trimming and packing need beside the tree, in bytes: the unpacked kernel modules.
    private static let spaceForModules: Int64 = 600 << 20

    /// The root image of a definition that has one, and its base tree: `packages`, `base`, `customise`, `trim`, `root`.
    func rootParts(
        _ wanted: ImageDefinition,
        epoch: Int64?,
        _ cache: StageCache,
        _ progress: @escaping Report
    ) async throws -> RootParts? {
        guard let definition = wanted.root else { return nil }
        try Tool.require([.mksquashfs, .depmod])
        let media = wanted.outputs.intersection([.iso, .disk]).count
        var base = try await baseTree(definition, epoch: epoch, media: media, cache, progress)
        let customised = try await customise(definition, base, cache, progress)
        let trimmed = try await trim(definition, base, customised, cache, progress)
        let packed = try await pack(definition, base, customised, trimmed, media: media, cache, progress)
        let image = try RootImageStage.read(packed.path)
        try checkSize(of: image, definition)
        if base.packages.isEmpty { base.packages = try installed(customised.path) }
        return RootParts(
            base: base,
            image: image,
            results: [base.result, customised, trimmed, packed].compactMap(\.self)
        )
    }

    private func baseTree(
        _ definition: RootDefinition,
        epoch: Int64?,
        media: Int,
        _ cache: StageCache,
        _ progress: @escaping Report
    ) async throws -> BaseTree {
        switch definition.base {
        case .debian(let base):
            let tree = DebianTree(base: base, packages: definition.packages, cache: cacheDirectory)
            let (inputs, make) = try await tree.resolve(report: progress)
            return try await baseTree(inputs, epoch: epoch, media: media, cache, progress) { path, epoch in
                try await make.run(at: path, epoch: epoch, report: progress)
            }
        case .enterpriseLinux(let base):
            let tree = EnterpriseLinuxTree(base: base, packages: definition.packages, cache: cacheDirectory)
            let (inputs, make) = try await tree.resolve(report: progress)
            return try await baseTree(inputs, epoch: epoch, media: media, cache, progress) { path, epoch in
                try await make.run(at: path, epoch: epoch, report: progress)
            }
        case .tree(let source):
            guard definition.packages.isEmpty else {
                throw BuildError(
                    .definition,
                    "packages cannot be added to a finished tree",
                    remedy: "take the packages out of the definition, or name a distribution as the base"
                )
            }
            return try await siteTree(source, epoch: epoch, media: media, cache, progress)
        }
    }

    /// A distribution's tree.
    private func baseTree(
        _ inputs: BaseInputs,
        epoch: Int64?,
        media: Int,
        _ cache: StageCache,
        _ progress: Report,
        make: (FilePath, Int64) async throws -> Void
    ) async throws -> BaseTree {
        let epoch = epoch ?? inputs.date
        finish(.packages, "\(inputs.packages.count) packages of the root tree", cached: true, progress)
        var key = StageKey("base")
        for text in inputs.key + ["\(epoch)"] + inputs.packages.map(\.sha256.description) { key.add(text) }
        let result = try await cache.result(.base, key: key, onWait: { waiting(.base, progress) }) { path in
            try requireSpace(forTree: inputs.installedSize, media: media)
            progress(BuildProgress(stage: .base, detail: "installing \(inputs.packages.count) packages"))
            try await make(path, epoch)
        }
        let tar = result.path.appending(BaseTree.treeName)
        let size = try fileSize(tar)
        finish(.base, "\(inputs.packages.count) packages, \(size >> 20) MiB", cached: result.cached, progress)
        return BaseTree(
            tar: tar,
            isTrusted: true,
            result: result,
            cached: result.cached,
            key: key.digest,
            epoch: epoch,
            packages: inputs.packages,
            installedSize: size
        )
    }

    private func siteTree(
        _ source: FilePath,
        epoch: Int64?,
        media: Int,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> BaseTree {
        let tree = SiteTree(source: source, cache: cacheDirectory)
        let form = try tree.form(outputs: [outputDirectory, cacheDirectory])
        let (sourceKey, size, newest) = try tree.key(form)
        let epoch = try epoch ?? (form == .archive ? newestEntry(of: source) : newest)
        var key = StageKey("base")
        // An archive is read where it is; only a directory is packed, with no time later than the epoch.
        key.add(form == .archive ? sourceKey : "\(sourceKey) \(epoch)")
        var base = BaseTree(
            tar: source,
            isTrusted: false,
            result: nil,
            cached: true,
            key: key.digest,
            epoch: epoch,
            packages: [],
            installedSize: size
        )
        if form == .directory {
            let result = try await cache.result(.base, key: key, onWait: { waiting(.base, progress) }) { path in
                try requireSpace(forTree: size, media: media)
                try makeDirectory(path)
                let tar = path.appending(BaseTree.treeName)
                try await SiteTree.pack(SiteTree.real(source), to: tar, epoch: epoch)
                try flush(tar)
            }
            (base.tar, base.result, base.cached) = (result.path.appending(BaseTree.treeName), result, result.cached)
        }
        finish(.base, "\(source.lastComponent?.string ?? "tree"), \(size >> 20) MiB", cached: base.cached, progress)
        return base
    }

    /// An archive's own date: that of its newest entry.
    private func newestEntry(of archive: FilePath) throws -> Int64 {
        let index = try TreeIndex.read(archive, isTrusted: false) { _ in false }
        let newest = index.entries.values.map(\.modified).max() ?? 0
        return min(max(0, newest), Int64(DefinitionReader.epochs.upperBound))
    }

    private func customise(
        _ definition: RootDefinition,
        _ base: BaseTree,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> StageResult {
        var key = StageKey("customise")
        key.add("\(base.key) \(base.epoch)")
        for folder in definition.files { try add(folder, name: "", to: &key) }
        for (path, mode) in definition.directories.sorted(by: { $0.key < $1.key }) { key.add("\(path) \(mode)") }
        if let place = definition.agent, let agent { key.add("\(place) \(try measure(agent).sha256)") }
        for (name, gid) in definition.groups.sorted(by: { $0.key < $1.key }) { key.add("\(name) \(gid)") }
        for user in definition.users { key.add("\(user)") }
        key.add("\(definition.services)")
        let result = try await cache.result(.customise, key: key, onWait: { waiting(.customise, progress) }) { path in
            progress(BuildProgress(stage: .customise, detail: "reading the tree"))
            let index = try TreeIndex.read(
                base.tar,
                isTrusted: base.isTrusted,
                isWanted: TreeCustomisation.isWanted
            )
            var customisation = TreeCustomisation(definition, agent: agent, epoch: base.epoch, index: index)
            let overlay = try customisation.run()
            try overlay.write(to: path)
            let packages = PackageRecord.installed(index.text("var/lib/dpkg/status") ?? "")
            try checkInstalled(packages, base)
            try writeFile(try JSONEncoder().encode(packages), to: path.appending(BaseTree.packagesName))
        }
        finish(.customise, "files, accounts and services", cached: result.cached, progress)
        return result
    }

    /// The tree has just the packages that were decided on: the bill of materials is made of these.
    private func checkInstalled(_ packages: [String: String], _ base: BaseTree) throws {
        guard !base.packages.isEmpty, !packages.isEmpty else { return }
        let decided = Dictionary(base.packages.map { ($0.name, $0.version) }) { first, _ in first }
        guard decided != packages else { return }
        let differing = Set(decided.keys).union(packages.keys).filter { decided[$0] != packages[$0] }.sorted()
        throw BuildError(
            .result,
            "the tree has other packages than were decided on: \(differing.prefix(10).joined(separator: ", "))",
            remedy: "remove the cache's base stages and build again"
        )
    }

    private func installed(_ customised: FilePath) throws -> [PackagePin] {
        let text = try readText(customised.appending(BaseTree.packagesName), limit: 16 << 20)
        let packages = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        guard let unknown = Nonce(bytes: [UInt8](repeating: 0, count: 32)) else { return [] }
        return packages.sorted { $0.key < $1.key }.map {
            PackagePin(name: $0.key, version: $0.value, size: 0, sha256: unknown)
        }
    }

    private func add(_ folder: FilePath, name: String, to key: inout StageKey) throws {
        for child in try names(in: folder) {
            let path = folder.appending(child)
            let kind = try FileKind(of: path)
            key.add("\(name)/\(child) \(kind)")
            switch kind {
            case .directory: try add(path, name: "\(name)/\(child)", to: &key)
            case .file: key.add(try measure(path).sha256.description)
            default: continue
            }
        }
    }

    private func trim(
        _ definition: RootDefinition,
        _ base: BaseTree,
        _ customised: StageResult,
        _ cache: StageCache,
        _ progress: Report
    ) async throws -> StageResult {
        var key = StageKey("trim")
        key.add(customised.path.lastComponent?.string ?? "")
        key.add("\(definition.trim)")
        for pattern in TreeTrim.always { key.add(pattern.text) }
        let result = try await cache.result(.trim, key: key, onWait: { waiting(.trim, progress) }) { path in
            progress(BuildProgress(stage: .trim, detail: "deciding what stays"))
            let index = try TreeIndex.read(
                base.tar,
                isTrusted: base.isTrusted,
                isWanted: TreeCustomisation.isWanted
            )
            let overlay = try TreeOverlay.read(customised.path)
            let trim = TreeTrim(rules: definition.trim, epoch: base.epoch, index: index, customised: overlay)
            try await trim.run(base: base.tar, scratch: path).write(to: path)
        }
        finish(.trim, "modules, documentation and what differs by machine", cached: result.cached, progress)
        return result
    }

    private func pack(
        _ definition: RootDefinition,
        _ base: BaseTree,
        _ customised: StageResult,
        _ trimmed: StageResult,
        media: Int,
        _ cache: StageCache,
        _ progress: @escaping Report
    ) async throws -> StageResult {
        var compression = definition.compression
        if isFast { compression.level = RootDefinition.Compression.fast.level }
        var key = StageKey("root")
        key.add(trimmed.path.lastComponent?.string ?? "")
        key.add("\(compression) \(base.epoch)")
        key.add(try await RootImageStage.toolVersion())
        var leftOut = ""
        let result = try await cache.result(.root, key: key, onWait: { waiting(.root, progress) }) { path in
            let index = try TreeIndex.read(base.tar, isTrusted: base.isTrusted) { _ in false }
            let overlay = try TreeOverlay.read(customised.path).under(try TreeOverlay.read(trimmed.path))
            let stream = TreeStream(base: base.tar, overlay: overlay, epoch: base.epoch)
            let plan = stream.plan(index)
            try requireSpace(forImageOf: plan.size, media: media)
            if plan.accessControlLists > 0 {
                leftOut =
                    ", without the access control lists of \(plan.accessControlLists) \(plan.accessControlLists == 1 ? "entry" : "entries")"
            }
            let detail = "packing \(plan.size >> 20) MiB with zstd-\(compression.level)"
            try await RootImageStage(stream: stream, compression: compression).make(at: path, plan: plan) { done in
                let amount = BuildProgress.Amount(done: done, total: plan.size, unit: .bytes)
                progress(BuildProgress(stage: .root, detail: detail, amount: amount))
            }
        }
        let image = try RootImageStage.read(result.path)
        finish(.root, "\(try fileSize(image.file) >> 20) MiB\(leftOut)", cached: result.cached, progress)
        return result
    }

    private func checkSize(of image: RootImage, _ definition: RootDefinition) throws {
        let size = try fileSize(image.file)
        guard let limit = definition.sizeLimit, size > limit else { return }
        throw BuildError(
            .result,
            "the root image is \(size >> 20) MiB, over the definition's \(limit >> 20)",
            remedy: "take out packages, trim more, or raise size-limit-mib"
        )
    }

    private func requireSpace(forTree installed: Int64, media: Int) throws {
        var plan = SpacePlan()
        plan.add(installed * Self.treeCopies + installed / 4, in: cacheDirectory, for: "the tree with its packages")
        plan.add(Self.spaceForModules, in: cacheDirectory, for: "kernel modules")
        plan.add(installed / Self.squashfsShare, in: cacheDirectory, for: "the root image")
        plan.add(
            spaceForOutput(of: installed / Self.squashfsShare, media),
            in: outputDirectory,
            for: "the finished image"
        )
        try plan.check()
    }

    /// An image with a root of this size, and `media` media that hold all of it once more.
    private func spaceForOutput(of root: Int64, _ media: Int) -> Int64 {
        root + Int64(media) * BootMedium.requiredSpace(contents: root)
    }

    private func requireSpace(forImageOf size: Int64, media: Int) throws {
        var plan = SpacePlan()
        plan.add(size / Self.squashfsShare, in: cacheDirectory, for: "the root image")
        plan.add(spaceForOutput(of: size / Self.squashfsShare, media), in: outputDirectory, for: "the finished image")
        try plan.check()
    }
}
