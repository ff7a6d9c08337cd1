import Archive
import SystemPackage

/// A finished tree: a base under an overlay. It is never unpacked; it is written as it is read.
struct TreeStream: Sendable {
    /// Extended attributes that mean something on another machine. Labels of a build host's SELinux and access control
    /// lists, which squashfs cannot hold, do not.
    static let keptAttributes = ["security.capability"]
    private static let keptPrefix = "user."

    /// A tar archive.
    var base: FilePath
    var overlay: TreeOverlay
    /// No time stamp is later, in seconds since 1970.
    var epoch: Int64

    /// What of the base stays, and under which name: the content of a file with hard links goes to the first link that
    /// stays.
    struct Plan: Sendable {
        fileprivate var kept: [TreePath: TreePath] = [:]
        fileprivate var entries: [TreePath: ArchiveEntry] = [:]
        /// Bytes of the files that will be written.
        fileprivate(set) var size: Int64 = 0
        /// Entries that will be written.
        fileprivate(set) var count = 0
        /// Those whose access control list is left out.
        fileprivate(set) var accessControlLists = 0
    }

    /// Decides what is written, from the index of the same base.
    func plan(_ index: TreeIndex) -> Plan {
        var plan = Plan()
        var links: [TreePath: [TreePath]] = [:]
        for (path, entry) in index.entries {
            if case .hardLink(let target) = entry.kind, stays(path) { links[target, default: []].append(path) }
        }
        for (path, entry) in index.entries {
            plan.entries[path] = entry
            if stays(path) {
                plan.kept[path] = path
            } else if let heir = links[path]?.min() {
                plan.kept[path] = heir
            } else {
                continue
            }
            plan.count += 1
            if entry.hasAccessControlList { plan.accessControlLists += 1 }
            if case .file(let size) = entry.kind { plan.size += size }
        }
        plan.count += overlay.added.count
        for (entry, _) in overlay.added.values {
            if case .file(let size) = entry.kind { plan.size += size }
        }
        return plan
    }

    private func stays(_ path: TreePath) -> Bool { !overlay.removed.contains(path) && overlay.added[path] == nil }

    /// Writes the whole tree to a pipe or a file; `report` gets the bytes of files so far.
    func write(to descriptor: FileDescriptor, _ plan: Plan, report: (Int64) -> Void) throws {
        let writer = try TarWriter.open(descriptor, name: "the tree")
        var written: Int64 = 0
        try copyBase(to: writer, plan) { size in
            written += size
            report(written)
        }
        for (entry, content) in overlay.sorted {
            try TreeOverlay.write(normal(entry), content, to: writer)
        }
        try writer.finish()
    }

    private func copyBase(to writer: borrowing TarWriter, _ plan: Plan, report: (Int64) -> Void) throws {
        var written: Set<TreePath> = []
        var heirs: [TreePath: TreePath] = [:]
        var reader = try ArchiveReader.open(base)
        while let entry = try reader.nextEntry() {
            guard let place = plan.kept[entry.path] else { continue }
            guard plan.entries[entry.path] == entry || entry.kind == .directory else {
                throw BuildError(.files, "\(base) changed while it was read", remedy: "leave it alone and build again")
            }
            // A directory that is named twice, and a link that has got its target's content already.
            guard written.insert(place).inserted else { continue }
            var entry = entry
            if place != entry.path { heirs[entry.path] = place }
            entry.path = place
            if case .hardLink(let target) = entry.kind { entry.kind = .hardLink(target: heirs[target] ?? target) }
            if case .other = entry.kind { continue }
            entry.user = overlay.owners.users[entry.user] ?? entry.user
            entry.group = overlay.owners.groups[entry.group] ?? entry.group
            try writer.begin(normal(entry))
            if case .file(let size) = entry.kind {
                let copied = try reader.copyContent(to: writer)
                guard copied == size else {
                    throw BuildError(.files, "\(base): \(entry.path) ends early", remedy: "make the tree again")
                }
                report(size)
            }
        }
    }

    private func normal(_ entry: ArchiveEntry) -> ArchiveEntry {
        var entry = entry
        entry.modified = max(0, min(entry.modified, epoch))
        entry.attributes = entry.attributes.filter {
            Self.keptAttributes.contains($0.key) || $0.key.hasPrefix(Self.keptPrefix)
        }
        return entry
    }
}
