import Archive
import FoundationEssentials
import SystemPackage

/// Takes the kernel and the chosen modules out of its package. The result is a folder: `vmlinuz`, `release` (two lines:
/// the release, the package's date), and `lib/modules/RELEASE` with fresh indexes.
struct KernelStage {
    /// Text indexes that a node's modprobe reads; depmod's binary ones are for kmod and only cost space.
    private static let indexes = [
        "modules.dep", "modules.alias", "modules.symbols", "modules.softdep", "modules.builtin",
    ]
    private static let builtinList = "modules.builtin"
    private static let depmodInputs = [builtinList, "modules.builtin.modinfo", "modules.order"]
    private static let largestIndex = 64 << 20

    var package: FilePath
    var selection: ImageDefinition.ModuleSelection

    func make(at result: FilePath) async throws {
        let everything = FilePath(result.string + ".unpacked")
        remove(everything)
        defer { remove(everything) }
        try makeDirectory(everything)
        let (release, date) = try unpack(to: everything)
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
        try writeFile("\(release)\n\(date)\n".utf8, to: result.appending("release"))
    }

    /// The release and the date of a finished result.
    static func readRelease(_ result: FilePath) throws -> (release: String, date: Int64) {
        let lines = try readText(result.appending("release"), limit: 1024).split(separator: "\n")
        guard lines.count == 2, let date = Int64(lines[1]) else { throw Errno.ioError }
        return (String(lines[0]), date)
    }

    private func unpack(to folder: FilePath) throws -> (release: String, date: Int64) {
        var reader = try DebianPackage.files(of: package)
        var kernel: (release: String, date: Int64)?
        while let entry = try reader.nextEntry() {
            try Task.checkCancellation()
            guard case .file = entry.kind else { continue }
            let path = entry.path.text.hasPrefix("usr/lib/") ? String(entry.path.text.dropFirst(4)) : entry.path.text
            if path.hasPrefix("boot/vmlinuz-") {
                kernel = (String(path.dropFirst("boot/vmlinuz-".count)), entry.modified)
                try reader.extractContent(to: folder.appending("vmlinuz"), mode: 0o644)
            } else if path.hasPrefix("lib/modules/") {
                let file = folder.pushing(FilePath(path))
                try makeDirectory(file.removingLastComponent())
                try reader.extractContent(to: file, mode: 0o644)
            }
        }
        guard let kernel, TreePath(kernel.release)?.parent == nil else {
            throw BuildError(
                .packages,
                "\(package) holds no kernel (boot/vmlinuz-RELEASE)",
                remedy: "name a linux-image package"
            )
        }
        return kernel
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
