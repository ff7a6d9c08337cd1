import Archive

/// What `systemctl enable`, `disable` and `mask` do to a tree, without a systemctl that fits the tree: links in
/// `etc/systemd/system` by the `[Install]` sections of the units (systemd.unit(5)).
struct ServiceLinks {
    private static let folder = "etc/systemd/system"
    private static let unitFolders = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"]

    let index: TreeIndex
    var overlay: TreeOverlay
    var epoch: Int64

    mutating func run(_ services: RootDefinition.Services) throws -> TreeOverlay {
        for name in services.disable { try disable(name) }
        var done: Set<String> = []
        for name in services.enable { try enable(name, &done, isNamed: true) }
        for name in services.mask { try link("\(Self.folder)/\(name)", to: "/dev/null") }
        return overlay
    }

    private mutating func enable(_ name: String, _ done: inout Set<String>, isNamed: Bool) throws {
        guard done.insert(name).inserted else { return }
        guard let (place, unit) = find(name) else {
            if isNamed { throw unknown(name) }
            return
        }
        let install = UnitFile(unit)
        guard !isNamed || !(install.wantedBy + install.requiredBy + install.aliases + install.also).isEmpty else {
            throw BuildError(
                .definition,
                "the unit \(name) has no [Install] section: something else starts it, or nothing",
                remedy: "take it out of services.enable"
            )
        }
        for target in install.wantedBy { try link("\(Self.folder)/\(target).wants/\(name)", to: "/\(place)") }
        for target in install.requiredBy { try link("\(Self.folder)/\(target).requires/\(name)", to: "/\(place)") }
        for alias in install.aliases where alias != name { try link("\(Self.folder)/\(alias)", to: "/\(place)") }
        for other in install.also { try enable(other, &done, isNamed: false) }
    }

    private mutating func disable(_ name: String) throws {
        guard find(name) != nil else { throw unknown(name) }
        let present = Set(index.entries.keys).union(overlay.added.keys)
        for path in present where path.text.hasPrefix(Self.folder + "/") {
            guard case .symbolicLink(let target)? = (overlay.added[path]?.entry ?? index.entries[path])?.kind else {
                continue
            }
            let isAlias = target.split(separator: "/").last.map { $0 == name } == true
            let isWanted = path.name == name && path.parent?.text != Self.folder
            if isAlias || isWanted { overlay.remove(path) }
        }
    }

    /// Where a unit's file stands, as it is named in links, and its text. An instance has its template's.
    private func find(_ name: String) -> (place: String, text: String)? {
        for name in [name, UnitName(name)?.template].compactMap({ $0 }) {
            for folder in Self.unitFolders {
                guard let path = TreePath("\(folder)/\(name)"), let real = try? index.resolve(path) else { continue }
                guard !overlay.removed.contains(real) else { continue }
                if let bytes = content(real) { return ("\(real)", String(decoding: bytes, as: UTF8.self)) }
                if case .symbolicLink(let target)? = index.entries[real]?.kind, target != "/dev/null",
                    let aliased = target.split(separator: "/").last, String(aliased) != name
                {
                    return find(String(aliased))
                }
            }
        }
        return nil
    }

    private func content(_ path: TreePath) -> [UInt8]? {
        switch overlay.added[path]?.content {
        case .bytes(let bytes)?: bytes
        case .file(let file)?: try? readBytes(file, limit: 1 << 20)
        default: index.texts[path]
        }
    }

    private mutating func link(_ place: String, to target: String) throws {
        guard let path = TreePath(place) else { return }
        if case .directory? = index.entries[path]?.kind {
            throw BuildError(.result, "\(path) is a directory in the tree", remedy: "take it out of the tree")
        }
        var ancestor = path.parent
        while let directory = ancestor, index.entries[directory] == nil, overlay.added[directory] == nil {
            overlay.add(.init(path: directory, kind: .directory, mode: 0o755, modified: epoch))
            ancestor = directory.parent
        }
        overlay.add(.init(path: path, kind: .symbolicLink(target: target), mode: 0o777, modified: epoch))
    }

    private func unknown(_ name: String) -> BuildError {
        BuildError(
            .definition,
            "the tree has no unit \(name)",
            remedy: "correct the definition's services, or add the package or file that brings it"
        )
    }
}
