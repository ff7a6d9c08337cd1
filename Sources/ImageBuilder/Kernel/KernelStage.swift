import Archive
import FoundationEssentials
import SystemPackage

/// Takes the kernel and the chosen modules out of its package. The result is a folder: `vmlinuz`, `release` (one line),
/// and `lib/modules/RELEASE` with fresh indexes.
struct KernelStage {
    /// Text indexes that a node's modprobe reads; depmod's binary ones are for kmod and only cost space.
    private static let indexes = [
        "modules.dep", "modules.alias", "modules.symbols", "modules.softdep", "modules.builtin",
    ]
    private static let builtinList = "modules.builtin"
    private static let depmodInputs = [builtinList, "modules.builtin.modinfo", "modules.order"]
    private static let largestIndex = 64 << 20
    /// Arguments of one command: Linux takes 2 MiB of them.
    private static let filesAtOnce = 1000

    /// Where the kernel comes from.
    enum Source {
        /// A Debian package.
        case package(FilePath)
        /// A root tree, as a tar archive.
        case tree(FilePath)

        fileprivate func open() throws -> ArchiveReader {
            switch self {
            case .package(let file): try DebianPackage.files(of: file)
            case .tree(let file): try ArchiveReader.open(file)
            }
        }
    }

    var source: Source
    var selection: ImageDefinition.ModuleSelection

    func make(at result: FilePath) async throws {
        let everything = FilePath(result.string + ".unpacked")
        remove(everything)
        defer { remove(everything) }
        try makeDirectory(everything)
        let release = try await unpack(to: everything)
        let modules = FilePath("lib/modules").appending(release)
        let source = everything.pushing(modules)
        _ = try await Tool.depmod.run(["-b", everything.string, release])
        try makeDirectory(result)
        try rename(everything.appending("vmlinuz"), to: result.appending("vmlinuz"))
        try move(from: source, to: result.pushing(modules))
        _ = try await Tool.depmod.run(["-b", result.string, release])
        for name in try names(in: result.pushing(modules))
        where name.hasPrefix("modules.") && !Self.indexes.contains(name) {
            remove(result.pushing(modules).appending(name))
        }
        try writeFile("\(release)\n".utf8, to: result.appending("release"))
    }

    /// The release of a finished result.
    static func readRelease(_ result: FilePath) throws -> String {
        let lines = try readText(result.appending("release"), limit: 1024).split(separator: "\n")
        guard lines.count == 1 else { throw Errno.ioError }
        return String(lines[0])
    }

    private func unpack(to folder: FilePath) async throws -> String {
        var reader = try source.open()
        var kernels: Set<String> = []
        // 4,000 modules lie in 400 folders: each is made once, and no path is taken apart again.
        var folders: Set<Substring> = []
        var compressed: [String] = []
        while let entry = try reader.nextEntry() {
            try Task.checkCancellation()
            guard case .file = entry.kind else { continue }
            let path = entry.path.text.hasPrefix("usr/lib/") ? String(entry.path.text.dropFirst(4)) : entry.path.text
            if let release = Self.release(ofKernel: path) {
                // The same kernel stands in both places of an Enterprise Linux tree.
                guard kernels.insert(release).inserted else { continue }
                try reader.extractContent(to: folder.appending("vmlinuz-\(release)"), mode: 0o644)
            } else if path.hasPrefix("lib/modules/"), Self.isWanted(entry.path) {
                let parent = path.dropLast(entry.path.name.count)
                if folders.insert(parent).inserted { try makeDirectory(folder.appending(String(parent))) }
                let file = "\(folder)/\(path)"
                try reader.extractContent(to: FilePath(file), mode: 0o644)
                if path.hasSuffix(".ko.xz") { compressed.append(file) }
            }
        }
        try await expand(compressed)
        return try choose(kernels, in: folder)
    }

    /// `boot/vmlinuz-RELEASE` or `lib/modules/RELEASE/vmlinuz`.
    static func release(ofKernel path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, parts[0] == "boot", parts[1].hasPrefix("vmlinuz-") {
            return String(parts[1].dropFirst("vmlinuz-".count))
        }
        if parts.count == 4, parts[0] == "lib", parts[1] == "modules", parts[3] == "vmlinuz" { return String(parts[2]) }
        return nil
    }

    /// Modules and what depmod reads; not what it wrote before.
    private static func isWanted(_ path: TreePath) -> Bool {
        ModuleTrim.isModule(path.name) || depmodInputs.contains(String(path.name))
    }

    private func choose(_ kernels: Set<String>, in folder: FilePath) throws -> String {
        let found = kernels.filter { exists(folder.appending("lib/modules").appending($0)) }
        guard let release = (found.isEmpty ? kernels : found).first, TreePath(release)?.parent == nil else {
            throw BuildError(
                .packages,
                "there is no kernel (boot/vmlinuz-RELEASE or usr/lib/modules/RELEASE/vmlinuz)",
                remedy: "name a linux-image package, or a tree with a kernel"
            )
        }
        guard found.count < 2 else {
            let releases = found.sorted().joined(separator: ", ")
            throw BuildError(.result, "the tree has more than one kernel: \(releases)", remedy: "leave one in it")
        }
        try rename(folder.appending("vmlinuz-\(release)"), to: folder.appending("vmlinuz"))
        try KernelImage.check(folder.appending("vmlinuz"))
        return release
    }

    /// busybox's modprobe reads no compressed modules, and the initramfs is compressed as a whole.
    private func expand(_ compressed: [String]) async throws {
        var rest = compressed[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Self.filesAtOnce)
            _ = try await Tool.xz.run(["--decompress", "--"] + batch)
            rest = rest.dropFirst(Self.filesAtOnce)
        }
    }

    private func move(from source: FilePath, to target: FilePath) throws {
        let index = ModuleIndex(modulesDep: try readText(source.appending("modules.dep"), limit: Self.largestIndex))
        let builtinText =
            exists(source.appending(Self.builtinList))
            ? try readText(source.appending(Self.builtinList), limit: Self.largestIndex) : ""
        let builtin = Set(builtinText.split(separator: "\n").compactMap { TreePath($0).map(ModuleIndex.name) })
        for module in try index.closure(of: selection, builtin: builtin) {
            let place = target.pushing(FilePath(module.text))
            try makeDirectory(place.removingLastComponent())
            try rename(source.pushing(FilePath(module.text)), to: place)
        }
        try makeDirectory(target)
        for name in Self.depmodInputs where exists(source.appending(name)) {
            try rename(source.appending(name), to: target.appending(name))
        }
    }
}
