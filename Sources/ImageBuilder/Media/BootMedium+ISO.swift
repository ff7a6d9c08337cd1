import Archive
import HostModel
package import SystemPackage

extension BootMedium {
    private static let elToritoImage = "boot/grub/eltorito.img"

    /// Writes the hybrid ISO: an optical drive's El Torito entries, and a stick's MBR and GPT. `progress` gets the bytes
    /// that were copied since it was called last.
    ///
    ///     0        MBR, GPT         (the 32 KiB that ISO 9660 leaves free)
    ///     16       ISO 9660         libarchive's metadata and small files, patched
    ///     …        large files      4 KiB aligned, entered in the directory
    ///     S        ESP              1 MiB aligned, FAT, named by the EFI entry and by the GPT
    ///     …        backup GPT       in the last sectors of the file
    ///
    /// Throws `BuildError`, or `CancellationError`; in both cases `place` is as it was.
    package func writeISO(to place: FilePath, progress: (Int64) -> Void = { _ in }) async throws {
        try await translating("write \(place)") {
            try await withWorkFolder { folder in
                let loader = GRUBLoader(folder: folder, search: "search.fs_label \(volumeID) root")
                let efiFiles = try await loader.efiFiles(secureBoot: secureBoot)
                let geometry = FATGeometry(files: try efiFiles.map { try fileSize($0.source) }, atLeast: smallestESP)
                var volume = try await base(loader, in: folder)
                let layout = ISOLayout(
                    base: Int64(volume.bytes.count),
                    files: try files.map { try fileSize($0.file) },
                    esp: geometry.size
                )
                let table = try layout.table(seed)
                try complete(&volume, layout, table)
                let output = try MediumFile.create(at: place, size: layout.size)
                let fat = FATVolume(
                    file: output.path,
                    offset: layout.esp.lowerBound,
                    geometry: geometry,
                    label: "MUSTER-ESP",
                    serial: seed.number("esp"),
                    epoch: epoch
                )
                try await fat.write(efiFiles)
                try output.write(volume.bytes, at: 0)
                for ((_, file), extent) in zip(files, layout.files) {
                    try output.copy(file, to: extent.lowerBound, progress: progress)
                }
                try output.write(table.backup, at: layout.size - PartitionTable.backupSectors * PartitionTable.sector)
                try output.finish()
            }
        }
    }

    /// The tree as libarchive writes it, the large files empty.
    private func base(_ loader: GRUBLoader, in folder: FilePath) async throws -> ISOVolume {
        var tree = FileTree()
        func add(_ path: String, _ content: [UInt8]) throws {
            guard let path = TreePath(path) else {
                throw BuildError(.files, "\(path) is no file name", remedy: "give the document a plain name")
            }
            try tree.add(.file(.bytes(content), mode: 0o644), at: path)
        }
        try add(Self.elToritoImage, try await loader.elTorito())
        try add("boot/grub/grub.cfg", Array(try menu(hasState: false).utf8))
        // Debian's signed GRUB looks for this one when it does not know where it was loaded from.
        try add(".disk/info", Array("\(name) \(version)\n".utf8))
        for (name, _) in files { try add("muster/\(name)", []) }
        for document in documents { try add("muster/\(document.name)", document.content) }
        try add(SiteArea.path, SiteArea.empty)
        let file = folder.appending("base.iso")
        guard let image = TreePath(Self.elToritoImage), let catalogue = TreePath("boot/grub/boot.cat") else {
            preconditionFailure("both are paths")
        }
        var writer = try ISOWriter.create(
            at: file,
            identity: .init(volume: volumeID.text, application: "MUSTER"),
            boot: .init(image: image, catalogue: catalogue),
            epoch: epoch
        )
        try writer.append(tree)
        try writer.finish()
        let bytes = try readBytes(file, limit: ISOWriter.mostContent + ISOWriter.mostContent / 8)
        return try ISOVolume(bytes)
    }

    private func complete(_ volume: inout ISOVolume, _ layout: ISOLayout, _ table: PartitionTable) throws {
        try volume.setDates(ISODate(seconds: epoch))
        try volume.setSize(layout.size / Int64(ISOVolume.sector))
        for ((name, _), extent) in zip(files, layout.files) {
            guard let path = TreePath("muster/\(name)") else { continue }
            let block = UInt32(extent.lowerBound / Int64(ISOVolume.sector))
            try volume.place(path, at: .init(block: block, size: extent.upperBound - extent.lowerBound))
        }
        let esp = layout.esp
        volume.addEFI(
            image: UInt32(esp.lowerBound / Int64(ISOVolume.sector)),
            sectors: (esp.upperBound - esp.lowerBound) / PartitionTable.sector
        )
        try volume.setGRUBBootInformation()
        let code = try GRUBLoader.hybridSector(core: Int64(volume.biosImage) * 4)
        let mbr = table.protectiveMBR(code: code, diskID: seed.number("disk"), forceActive: forceActive)
        volume.setSystemArea(mbr + table.primary)
    }
}

/// Where everything stands in a hybrid ISO; bytes from its start.
struct ISOLayout: Hashable, Sendable {
    /// Block sharing needs the file system's block size; 4 KiB is the usual one.
    private static let fileAlignment: Int64 = 4096
    private static let partitionAlignment: Int64 = 1 << 20
    /// Behind the ISO's system area.
    private static let firstSector: Int64 = 64
    private static let readOnly: UInt64 = 1 << 60 | 1

    let files: [Range<Int64>]
    let esp: Range<Int64>
    /// Of the whole image: whole mebibytes.
    let size: Int64

    init(base: Int64, files: [Int64], esp: Int64) {
        var end = base
        var ranges: [Range<Int64>] = []
        for size in files {
            let start = roundedUp(end, to: Self.fileAlignment)
            ranges.append(start..<(start + size))
            end = start + size
        }
        let start = roundedUp(end, to: Self.partitionAlignment)
        let backup = PartitionTable.backupSectors * PartitionTable.sector
        (self.files, self.esp) = (ranges, start..<(start + esp))
        size = roundedUp(start + esp + backup, to: Self.partitionAlignment)
    }

    func table(_ seed: MediumSeed) throws(PartitionTable.Refusal) -> PartitionTable {
        let esp = (self.esp.lowerBound / PartitionTable.sector)..<(self.esp.upperBound / PartitionTable.sector)
        return try PartitionTable(
            disk: seed.guid("iso disk"),
            partitions: [
                .init(
                    type: .basicData,
                    id: seed.guid("iso data"),
                    name: "ISO9660",
                    sectors: Self.firstSector..<esp.lowerBound,
                    attributes: Self.readOnly
                ),
                .init(type: .efiSystem, id: seed.guid("iso esp"), name: "ESP", sectors: esp),
            ],
            sectors: size / PartitionTable.sector
        )
    }
}
