import Archive
import SystemPackage

/// Takes kernel modules out of a tree by their directories, keeps those that are named with all that they need, and makes
/// the indexes again that depmod(8) makes.
struct ModuleTrim {
    private static let folder = "usr/lib/modules/"
    private static let olderFolder = "lib/modules/"

    var rules: RootDefinition.Trim
    var epoch: Int64
    let index: TreeIndex

    func run(base: FilePath, scratch: FilePath, _ overlay: inout TreeOverlay) async throws {
        for (root, release) in try releases() {
            let prefix = "\(root)\(release)/"
            let modules = index.entries.keys.filter { path in
                path.text.hasPrefix(prefix + "kernel/") && isModule(path)
            }
            guard !modules.isEmpty else { continue }
            let dropped = try droppedModules(prefix, modules)
            for path in dropped { overlay.remove(path) }
            try await makeIndexes(release, prefix, without: dropped, base: base, scratch: scratch, &overlay)
        }
    }

    /// A kernel module, compressed or not.
    static func isModule(_ name: Substring) -> Bool {
        [".ko", ".ko.xz", ".ko.zst", ".ko.gz"].contains { name.hasSuffix($0) }
    }

    private func isModule(_ path: TreePath) -> Bool { Self.isModule(path.name) }

    private func releases() throws -> [(root: String, release: String)] {
        var found: Set<String> = []
        for path in index.entries.keys {
            for root in [Self.folder, Self.olderFolder] where path.text.hasPrefix(root) {
                let rest = path.text.dropFirst(root.count)
                if let slash = rest.firstIndex(of: "/") { found.insert(root + rest[..<slash]) }
            }
        }
        return found.sorted().compactMap { text in
            let root = text.hasPrefix(Self.folder) ? Self.folder : Self.olderFolder
            return (root, String(text.dropFirst(root.count)))
        }
    }

    private func droppedModules(_ prefix: String, _ modules: [TreePath]) throws -> Set<TreePath> {
        let directories = rules.moduleDirectories.map { "\(prefix)kernel/\($0.text)/" }
        var dropped = Set(modules.filter { path in directories.contains { path.text.hasPrefix($0) } })
        guard !rules.keptModules.isEmpty else { return dropped }
        guard let text = index.text("\(prefix)modules.dep") else {
            throw BuildError(
                .definition,
                "the tree has no \(prefix)modules.dep, so that keep-modules cannot be followed",
                remedy: "run depmod in the tree, or leave keep-modules away"
            )
        }
        let dependencies = ModuleIndex(modulesDep: text)
        // A kernel without one of them does without: what is kept is a list for many kernels.
        let known = rules.keptModules.filter { dependencies.contains($0) }
        let kept = try dependencies.closure(of: .init(names: known), builtin: [])
        dropped.subtract(kept.compactMap { TreePath(prefix + $0.text) })
        return dropped
    }

    private func makeIndexes(
        _ release: String,
        _ prefix: String,
        without dropped: Set<TreePath>,
        base: FilePath,
        scratch: FilePath,
        _ overlay: inout TreeOverlay
    ) async throws {
        let folder = FilePath(scratch.string + ".modules")
        remove(folder)
        defer { remove(folder) }
        let target = folder.appending("lib/modules").appending(release)
        try makeDirectory(target)
        var reader = try ArchiveReader.open(base)
        while let entry = try reader.nextEntry() {
            try Task.checkCancellation()
            guard entry.path.text.hasPrefix(prefix), case .file = entry.kind, !dropped.contains(entry.path) else {
                continue
            }
            let isInput = entry.path.parent?.text == String(prefix.dropLast()) && entry.path.name.hasPrefix("modules.")
            guard isModule(entry.path) || isInput else { continue }
            let file = target.pushing(FilePath(String(entry.path.text.dropFirst(prefix.count))))
            try makeDirectory(file.removingLastComponent())
            try reader.extractContent(to: file, mode: 0o644)
        }
        _ = try await Tool.depmod.run(["-b", folder.string, release])
        for name in try names(in: target) where name.hasPrefix("modules.") {
            guard let path = TreePath(prefix + name) else { continue }
            let bytes = try readBytes(target.appending(name), limit: 64 << 20)
            overlay.add(
                .init(path: path, kind: .file(size: Int64(bytes.count)), mode: 0o644, modified: epoch),
                .bytes(bytes)
            )
        }
    }
}
