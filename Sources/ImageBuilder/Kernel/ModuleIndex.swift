import Archive

/// What depmod(8) wrote to `modules.dep`: every module's file, and the files that it needs.
struct ModuleIndex {
    /// Paths are relative to `lib/modules/RELEASE`: `kernel/net/802/garp.ko`.
    private(set) var needs: [TreePath: [TreePath]] = [:]
    private var byName: [String: TreePath] = [:]

    init(modulesDep text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let module = TreePath(parts[0]) else { continue }
            needs[module] = parts[1].split(separator: " ").compactMap { TreePath($0) }
            byName[Self.name(of: module)] = module
        }
    }

    /// The module's name as the kernel has it: without folder and suffix, hyphens as underscores.
    static func name(of module: TreePath) -> String { canonical(String(module.name.prefix { $0 != "." })) }

    static func canonical(_ name: String) -> String { String(name.map { $0 == "-" ? "_" : $0 }) }

    /// True for a module by this name, hyphens and underscores alike.
    func contains(_ name: String) -> Bool { byName[Self.canonical(name)] != nil }

    /// The selected modules and everything that they need, sorted. `builtin` are the names that the kernel itself contains:
    /// asking for one of these is fine. Names that are nowhere are an error that lists them; to exclude what is nowhere is
    /// none, since one list serves many kernels.
    func closure(
        of selection: ImageDefinition.ModuleSelection,
        builtin: Set<String>
    ) throws(BuildError) -> [TreePath] {
        var unknown: [String] = []
        var pending: [TreePath] = []
        for name in selection.names {
            if let module = byName[Self.canonical(name)] {
                pending.append(module)
            } else if !builtin.contains(Self.canonical(name)) {
                unknown.append(name)
            }
        }
        let excluded = Set(selection.excluded.map(Self.canonical))
        for directory in selection.directories {
            let prefix = "kernel/\(directory.text)/"
            let inside = needs.keys.filter { $0.text.hasPrefix(prefix) }
            if inside.isEmpty { unknown.append(directory.text) }
            pending += inside.filter { !excluded.contains(Self.name(of: $0)) }
        }
        guard unknown.isEmpty else {
            throw BuildError(
                .definition,
                "the kernel has no module \(unknown.joined(separator: ", "))",
                remedy: "correct the definition's modules and build again"
            )
        }
        var chosen: Set<TreePath> = []
        while let module = pending.popLast() {
            if chosen.insert(module).inserted { pending += needs[module] ?? [] }
        }
        return chosen.sorted()
    }
}
