import HostModel
import SystemPackage

/// GRUB's loaders for one medium, put together from Debian's packages. The early configuration in each of them finds the
/// medium's file system and goes on with /boot/grub/grub.cfg there.
struct GRUBLoader {
    /// Loaders are written here.
    var folder: FilePath
    /// Sets `root`: `search.fs_label NODE_1 root`.
    var search: String
    /// Modules beside those that every medium needs.
    var extraModules: [String] = []

    private static let modules = [
        "part_gpt", "part_msdos", "fat", "iso9660", "normal", "configfile", "linux", "search", "search_label",
        "search_fs_uuid", "search_fs_file", "echo", "test", "serial", "terminal", "chain", "halt", "reboot", "true",
        "minicmd", "sleep",
    ]
    private static let biosModules = ["biosdisk", "drivemap", "vga_text"]
    private static let efiModules = ["efi_gop", "all_video", "efifwsetup"]
    private static let bios: FilePath = "/usr/lib/grub/i386-pc"
    private static let efi: FilePath = "/usr/lib/grub/x86_64-efi"
    private static let signed: FilePath = "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
    private static let shim: FilePath = "/usr/lib/shim"
    /// The largest file read into memory here, in bytes: GRUB's core is 160 KiB.
    private static let largestImage = 4 << 20

    /// What must be installed for these loaders, before the work starts.
    static func require(secureBoot: Bool) throws(BuildError) {
        try Tool.require([.grubMakeImage])
        var files: [(file: FilePath, package: String)] = [(bios.appending("boot_hybrid.img"), "grub-pc-bin")]
        if secureBoot {
            files += [(signed, "grub-efi-amd64-signed"), (shim.appending("shimx64.efi.signed"), "shim-signed")]
        } else {
            files += [(efi.appending("moddep.lst"), "grub-efi-amd64-bin")]
        }
        for (file, package) in files where !exists(file) {
            throw BuildError(.missingTool, "\(file) is not on this machine", remedy: "apt-get install \(package)")
        }
    }

    /// Everything on this machine of which a medium's loaders and file systems are made, programs included, for its cache key:
    /// all of them show in the bytes.
    static func inputs(secureBoot: Bool, extraModules: [String] = []) throws -> [FilePath] {
        func modules(_ folder: FilePath, _ more: [String]) -> [FilePath] {
            (Self.modules + more + extraModules).map { folder.appending("\($0).mod") } + [
                folder.appending("kernel.img"), folder.appending("moddep.lst"),
            ]
        }
        let images = ["boot.img", "boot_hybrid.img", "cdboot.img", "diskboot.img", "lzma_decompress.img"]
        let loaders =
            secureBoot
            ? [signed, shim.appending("shimx64.efi.signed"), shim.appending("mmx64.efi.signed")]
            : modules(efi, efiModules)
        let tools = [Tool.grubMakeImage, .makeFAT, .makeDirectories, .copyFiles]
        return try images.map { bios.appending($0) } + modules(bios, biosModules) + loaders
            + tools.map { try $0.path() }
    }

    /// The El Torito image for BIOS.
    func elTorito() async throws -> [UInt8] {
        try await image("i386-pc-eltorito", Self.modules + Self.biosModules, name: "eltorito.img")
    }

    /// The first sector of a hybrid ISO on a stick: `core` is where the El Torito image begins, in 512-byte sectors.
    static func hybridSector(core: Int64) throws -> [UInt8] {
        var code = try readBytes(bios.appending("boot_hybrid.img"), limit: 512)
        code.put(core + 4, at: 0x1B0)
        return code
    }

    /// The core for a BIOS boot partition that begins at `sector`, with its list of blocks filled in.
    func core(at sector: Int64) async throws -> [UInt8] {
        var core = try await image("i386-pc", Self.modules + Self.biosModules, name: "core.img")
        core.append(contentsOf: [UInt8](repeating: 0, count: -core.count & 511))
        // diskboot.img ends with the one run of sectors that follows it (include/grub/offsets.h).
        core.put(sector + 1, at: 500)
        core.put(UInt16(core.count / 512 - 1), at: 508)
        return core
    }

    /// The first sector of a disk whose core begins at `core`.
    static func diskSector(core: Int64) throws -> [UInt8] {
        var code = try readBytes(bios.appending("boot.img"), limit: 512)
        code.put(core, at: 0x5C)
        // As grub-install does on disks: BIOSes that pass a wrong drive number are not believed.
        code.replace(at: 0x66, with: [0x90, 0x90])
        return code
    }

    /// The files of the EFI system partition: /EFI/BOOT/BOOTX64.EFI, and what it needs.
    ///
    /// For Secure Boot, Microsoft's signature is on shim, Debian's on GRUB and on the kernel. The signed GRUB reads
    /// /EFI/debian/grub.cfg of its partition, or grub.cfg beside itself, according to how the firmware names the place.
    func efiFiles(secureBoot: Bool) async throws -> [FATVolume.Item] {
        guard secureBoot else {
            _ = try await image("x86_64-efi", Self.modules + Self.efiModules, name: "bootx64.efi")
            return [.init(path: "/EFI/BOOT/BOOTX64.EFI", source: folder.appending("bootx64.efi"))]
        }
        let configuration = folder.appending("early.cfg")
        try writeFile((earlySigned + "\n").utf8, to: configuration)
        return [
            .init(path: "/EFI/BOOT/BOOTX64.EFI", source: Self.shim.appending("shimx64.efi.signed")),
            .init(path: "/EFI/BOOT/grubx64.efi", source: Self.signed),
            .init(path: "/EFI/BOOT/mmx64.efi", source: Self.shim.appending("mmx64.efi.signed")),
            .init(path: "/EFI/BOOT/grub.cfg", source: configuration),
            .init(path: "/EFI/debian/grub.cfg", source: configuration),
        ]
    }

    private var early: String { "\(search)\nset prefix=($root)/boot/grub\n" }

    private var earlySigned: String { "\(early)configfile $prefix/grub.cfg" }

    private func image(_ format: String, _ modules: [String], name: String) async throws -> [UInt8] {
        let configuration = folder.appending(name + ".cfg")
        try writeFile(early.utf8, to: configuration)
        let result = folder.appending(name)
        _ = try await Tool.grubMakeImage.run(
            ["-O", format, "-c", configuration.string, "-p", "/boot/grub", "-o", result.string] + modules + extraModules
        )
        return try readBytes(result, limit: Self.largestImage)
    }
}
