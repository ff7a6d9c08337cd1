import Archive
import SystemPackage

/// The kernel of a tree at `boot/vmlinuz-RELEASE`, the only place where Anaconda's `liveimg` looks for the kernels of what
/// it unpacked. A package of Enterprise Linux holds it below `usr/lib/modules`, and whether a script of it makes the copy
/// depends on what else is installed. A copy, because `/boot` is a file system of its own on most disks.
struct InstalledKernel {
    let index: TreeIndex

    private static let folders = ["usr/lib/modules/", "lib/modules/"]
    private static let name = "vmlinuz"
    private static let largest = 64 << 20

    func add(from base: FilePath, to overlay: inout TreeOverlay) throws {
        let missing = missing
        guard !missing.isEmpty else { return }
        var reader = try ArchiveReader.open(base)
        while let entry = try reader.nextEntry() {
            try Task.checkCancellation()
            guard let place = missing[entry.path] else { continue }
            var copy = entry
            copy.path = place
            overlay.add(copy, .bytes(try reader.readContent(limit: Self.largest)))
        }
    }

    /// Kernels that have no copy, and where it belongs.
    private var missing: [TreePath: TreePath] {
        var places: [TreePath: TreePath] = [:]
        for (path, entry) in index.entries {
            guard case .file = entry.kind, path.name == Self.name,
                let folder = Self.folders.first(where: path.text.hasPrefix),
                let release = path.text.dropFirst(folder.count).split(separator: "/").first,
                path.text == "\(folder)\(release)/\(Self.name)",
                let place = TreePath("boot/\(Self.name)-\(release)"), index.entries[place] == nil
            else { continue }
            places[path] = place
        }
        return places
    }
}
