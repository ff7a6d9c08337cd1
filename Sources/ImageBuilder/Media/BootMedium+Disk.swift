import Archive
import HostModel
package import SystemPackage

extension BootMedium {
    /// Writes the raw image of a stick or a disk. `progress` gets the bytes that were copied since it was called last.
    ///
    ///     0          MBR, GPT
    ///     1 MiB      BIOS boot partition     GRUB's core
    ///     2 MiB      ESP, FAT                GRUB for UEFI, its menu, and /muster; labelled MUSTER-BOOT
    ///     …          state partition, ext4   labelled MUSTER-STATE; the node keeps its key there
    ///     …          backup GPT
    ///
    /// A root image of 4 GiB or more does not fit FAT and is an error. Throws `BuildError`, or `CancellationError`; in both
    /// cases `place` is as it was.
    package func writeDisk(to place: FilePath, progress: (Int64) -> Void = { _ in }) async throws {
        try await translating("write \(place)") {
            try await withWorkFolder { folder in
                let identifier = FATVolume.identifier(seed.number("disk esp"))
                let loader = GRUBLoader(folder: folder, search: "search.fs_uuid \(identifier) root")
                let items = try await items(loader, in: folder)
                let sizes = try items.map { try fileSize($0.source) }
                let layout = DiskLayout(esp: FATGeometry(files: sizes))
                let table = try layout.table(seed, name: volumeID.text)
                let core = try await loader.core(at: layout.core.lowerBound / PartitionTable.sector)
                guard Int64(core.count) <= layout.core.upperBound - layout.core.lowerBound else {
                    throw BuildError(.result, "GRUB's core is larger than its partition", remedy: "please report this")
                }
                let output = try MediumFile.create(at: place, size: layout.size)
                try await write(items, sizes, to: output, layout, progress)
                try await makeState(in: output, layout)
                let code = try GRUBLoader.diskSector(core: layout.core.lowerBound / PartitionTable.sector)
                let mbr = table.protectiveMBR(code: code, diskID: seed.number("disk"), forceActive: forceActive)
                try output.write(mbr + table.primary, at: 0)
                try output.write(core, at: layout.core.lowerBound)
                try output.write(table.backup, at: layout.size - PartitionTable.backupSectors * PartitionTable.sector)
                try output.finish()
            }
        }
    }

    private func items(_ loader: GRUBLoader, in folder: FilePath) async throws -> [FATVolume.Item] {
        var items = try await loader.efiFiles(secureBoot: secureBoot)
        func add(_ path: String, _ content: [UInt8]) throws {
            let source = folder.appending("text-\(items.count)")
            try writeFile(content, to: source)
            items.append(.init(path: path, source: source))
        }
        try add("/boot/grub/grub.cfg", Array(try menu(hasState: true).utf8))
        for document in documents {
            guard TreePath(document.name)?.parent == nil else {
                throw BuildError(.files, "\(document.name) is no file name", remedy: "give the document a plain name")
            }
            try add("/muster/\(document.name)", document.content)
        }
        try add("/" + SiteArea.path, SiteArea.empty)
        return items + files.map { .init(path: "/muster/\($0.name)", source: $0.file) }
    }

    private func write(
        _ items: [FATVolume.Item],
        _ sizes: [Int64],
        to output: borrowing MediumFile,
        _ layout: DiskLayout,
        _ progress: (Int64) -> Void
    ) async throws {
        let fat = FATVolume(
            file: output.path,
            offset: layout.esp.lowerBound,
            geometry: layout.geometry,
            label: "MUSTER-BOOT",
            serial: seed.number("disk esp"),
            epoch: epoch
        )
        try await fat.write(items)
        progress(sizes.reduce(0, +))
    }

    /// Named one by one, so that the building machine's mke2fs.conf does not matter. Kernels of EL8 know them all.
    private static let stateFeatures =
        "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,"
        + "dir_nlink,extra_isize,metadata_csum"

    /// ext4, because a FAT label has no room for MUSTER-STATE, and for its journal: sticks are pulled out.
    private func makeState(in output: borrowing MediumFile, _ layout: DiskLayout) async throws {
        let id = seed.guid("state").description
        let options = "offset=\(layout.state.lowerBound),hash_seed=\(id),lazy_itable_init=0,lazy_journal_init=0"
        _ = try await Tool.makeExt.run(
            [
                "-q", "-F", "-O", Self.stateFeatures, "-b", "1024", "-I", "256", "-m", "0", "-L", "MUSTER-STATE", "-U",
                id,
                "-E", options + ",root_owner=0:0", output.path.string, "\(DiskLayout.stateSize >> 10)k",
            ],
            environment: ["E2FSPROGS_FAKE_TIME": String(max(1, epoch)), "MKE2FS_CONFIG": "/dev/null"]
        )
    }
}

/// Where everything stands in a raw image; bytes from its start.
struct DiskLayout: Hashable, Sendable {
    static let stateSize: Int64 = 32 << 20
    private static let mebibyte: Int64 = 1 << 20

    let geometry: FATGeometry
    let core: Range<Int64> = mebibyte..<(2 * mebibyte)
    let esp: Range<Int64>
    let state: Range<Int64>
    /// Of the whole image: whole mebibytes.
    let size: Int64

    init(esp geometry: FATGeometry) {
        self.geometry = geometry
        esp = core.upperBound..<(core.upperBound + geometry.size)
        state = esp.upperBound..<(esp.upperBound + Self.stateSize)
        size = state.upperBound + Self.mebibyte
    }

    /// `name` goes to the partition that holds the image.
    func table(_ seed: MediumSeed, name: String) throws(PartitionTable.Refusal) -> PartitionTable {
        func sectors(_ bytes: Range<Int64>) -> Range<Int64> {
            (bytes.lowerBound / PartitionTable.sector)..<(bytes.upperBound / PartitionTable.sector)
        }
        return try PartitionTable(
            disk: seed.guid("disk"),
            partitions: [
                .init(type: .biosBoot, id: seed.guid("disk core"), name: "BIOS boot", sectors: sectors(core)),
                .init(type: .efiSystem, id: seed.guid("disk esp"), name: name, sectors: sectors(esp)),
                .init(type: .linuxData, id: seed.guid("disk state"), name: "MUSTER-STATE", sectors: sectors(state)),
            ],
            sectors: size / PartitionTable.sector
        )
    }
}
