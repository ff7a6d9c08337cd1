import Archive
import HostModel
import SystemPackage

/// What makes a disk boot that an image is installed to, as one file beside the image (`DiskLoaders`): made by the code that
/// makes the media's loaders, so that the node needs neither GRUB's programs nor a maker of FAT file systems.
struct InstalledLoaders {
    static let fileName = "loaders.cpio"
    /// The file in the folder of boot scripts that is the disk's menu.
    static let menuName = "installed.cfg"
    static let espSize: Int64 = 256 << 20
    /// Where the EFI system partition begins: behind the BIOS boot partition.
    private static let espStart: Int64 = 2 << 20
    /// The EFI system partition is kept in pieces of this size, those of zeros left out.
    private static let piece = 64 << 10

    /// By which GUIDs and serial numbers are made: the menu and the image's name.
    var seed: MediumSeed
    var menu: String
    var secureBoot: Bool
    var epoch: Int64

    /// The same for two files with the same bytes.
    func key() throws -> StageKey {
        var key = StageKey("loaders")
        key.add("\(seed.content) \(secureBoot) \(epoch) \(Self.espSize)")
        key.add(menu)
        for file in try GRUBLoader.inputs(secureBoot: secureBoot, extraModules: Self.modules).filter({ exists($0) }) {
            key.add(try measure(file).sha256.description)
        }
        return key
    }

    /// What must be installed, before the work starts.
    func requireTools() throws(BuildError) {
        try GRUBLoader.require(secureBoot: secureBoot)
        try Tool.require([.makeFAT, .makeDirectories, .copyFiles])
    }

    /// Writes the archive; a folder of the same name with a suffix is used on the way.
    func write(to place: FilePath) async throws {
        let folder = FilePath("\(place).parts")
        remove(folder)
        try makeDirectory(folder)
        defer { remove(folder) }
        // By BIOS, `root` is the disk; by UEFI it is the partition already.
        let bios = GRUBLoader(folder: folder, search: "set root=\"$root,gpt2\"", extraModules: Self.modules)
        let efi = GRUBLoader(folder: folder, search: "", extraModules: Self.modules)
        var tree = FileTree()
        func add(_ name: String, _ bytes: [UInt8]) throws {
            guard let path = TreePath(name) else { return }
            try tree.add(.file(.bytes(bytes), mode: 0o644), at: path)
        }
        let core = try await bios.core(at: DiskLoaders.coreSector)
        let boot = try GRUBLoader.diskSector(core: DiskLoaders.coreSector)
        try add(DiskLoaders.bootName, Array(boot.prefix(PartitionTable.codeSize)))
        try add(DiskLoaders.coreName, core)
        try add(DiskLoaders.sizeName, Array(String(Self.espSize).utf8))
        for run in try await runs(try await items(efi, in: folder), in: folder) {
            try add(DiskLoaders.runName(offset: run.offset), run.bytes)
        }
        var writer = try CpioWriter.create(at: place, compression: .none, epoch: max(0, epoch))
        try writer.append(tree)
        try writer.finish()
    }

    private static let modules = ["ext2", "loadenv", "regexp"]

    private func items(_ loader: GRUBLoader, in folder: FilePath) async throws -> [FATVolume.Item] {
        let environment = folder.appending("grubenv")
        try writeFile(BootEnvironment(good: .a).bytes, to: environment)
        let configuration = folder.appending("grub.cfg")
        try writeFile(Array(menu.utf8), to: configuration)
        // First, so that it is found at once.
        return [
            .init(path: "/muster/grubenv", source: environment),
            .init(path: "/boot/grub/grub.cfg", source: configuration),
        ] + (try await loader.efiFiles(secureBoot: secureBoot))
    }

    private func runs(_ items: [FATVolume.Item], in folder: FilePath) async throws -> [DiskLoaders.Run] {
        let geometry = FATGeometry(files: try items.map { try fileSize($0.source) }, atLeast: Self.espSize)
        guard geometry.size == Self.espSize else {
            throw BuildError(.result, "the loaders do not fit their partition", remedy: "please report this")
        }
        let file = folder.appending("esp.img")
        let output = try FileDescriptor.open(
            file,
            .writeOnly,
            options: [.create, .truncate],
            permissions: [.ownerReadWrite]
        )
        try output.resize(to: Self.espStart + Self.espSize)
        try output.close()
        let volume = FATVolume(
            file: file,
            offset: Self.espStart,
            geometry: geometry,
            label: "MUSTER-ESP",
            serial: seed.number("installed esp"),
            epoch: epoch
        )
        try await volume.write(items)
        return try pieces(of: file)
    }

    /// The pieces that hold anything. Holes of the file are skipped unread: they are nearly all of it.
    private func pieces(of file: FilePath) throws -> [DiskLoaders.Run] {
        let source = try ByteSource(file)
        var runs: [DiskLoaders.Run] = []
        for offset in stride(from: 0, to: Self.espSize, by: Self.piece) {
            guard offset == 0 || source.holdsData(from: Self.espStart + offset, count: Int64(Self.piece)) else {
                continue
            }
            let bytes = try source.bytes(at: Self.espStart + offset, count: Self.piece)
            guard offset == 0 || !bytes.isZero else { continue }
            if let last = runs.last, last.offset + Int64(last.bytes.count) == offset {
                runs[runs.count - 1].bytes += bytes
            } else {
                runs.append(DiskLoaders.Run(offset: offset, bytes: bytes))
            }
        }
        return runs
    }
}
