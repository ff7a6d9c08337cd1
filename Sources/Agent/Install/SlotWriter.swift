import BlockDevices
import Glibc
import HostModel
import Subprocess
import SystemPackage

/// Writes an image into a slot: a fresh file system, the files, and, when all was read back from the disk and is what was
/// signed, the kernel arguments, without which a slot counts as unfinished.
struct SlotWriter: Sendable {
    let disk: DiskDevice
    let progress: InstallReporter

    /// What GRUB 2.06 reads, and no journal, because the file system is only read once it is there.
    private static let features =
        "none,ext_attr,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize"
    private static let stateFeatures =
        "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,"
        + "dir_nlink,extra_isize,metadata_csum"

    func write(
        _ image: SignedManifest,
        from files: some ImageFiles,
        to part: Range<Int64>,
        slot: BootSlot,
        _ arguments: SlotArguments
    ) async throws {
        let wanted = try image.slotFiles()
        try disk.clear(part.lowerBound..<part.lowerBound + Int64(Superblock.bytesNeeded))
        try disk.flush()
        try await makeFileSystem(
            in: part,
            [
                "-O", Self.features, "-b", "4096", "-I", "256", "-i", "1048576", "-m", "0", "-L",
                "MUSTER-\(slot.rawValue.uppercased())",
            ]
        )
        try await fill(part, wanted, image, from: files)
        try disk.flush()
        disk.forgetCache()
        try verify(part, wanted, image, slot)
        try mounted(part, readOnly: false) { folder in
            try Self.write(Array(arguments.siteText.utf8), to: InstalledDisk.siteName, in: folder)
            try Self.write(Array(arguments.text.utf8), to: InstalledDisk.argumentsName, in: folder)
        }
        try disk.flush()
    }

    /// The state partition, with a journal.
    func makeState(in part: Range<Int64>) async throws {
        try await makeFileSystem(
            in: part,
            ["-O", Self.stateFeatures, "-b", "4096", "-I", "256", "-i", "65536", "-m", "0", "-L", "MUSTER-STATE"]
        )
    }

    /// Copies the regular files of a node's state, and the committed networks to where `mount-state` shows them to
    /// `apply`; `host-id` last, because where it is the others are whole.
    func copyState(_ state: NodeDirectory, _ networks: OwnedNetworks, to part: Range<Int64>) throws {
        let loop = try LoopDevice.attach(disk.file, part: part)
        let mount = try TransientMount(loop.path, type: "ext4", readOnly: false)
        if networks != OwnedNetworks() {
            let top = FilePath("/proc/self/fd/\(mount.directory.rawValue)")
            try NetworkConfiguration(top.appending("networks").appending("netconf")).save(networks)
        }
        try copyIdentity(NodeDirectory(state.file(Self.identityName)), to: mount.directory)
        try Self.copyFiles(of: state, to: mount.directory)
    }

    /// What other machines know this one by (`keep-identity`).
    private static let identityName = "identity"

    private func copyIdentity(_ identity: NodeDirectory, to top: FileDescriptor) throws {
        guard !Self.files(in: identity.path).isEmpty else { return }
        guard mkdirat(top.rawValue, Self.identityName, 0o700) == 0 else {
            throw BlockDeviceError("make the identity's folder")
        }
        let descriptor = openat(top.rawValue, Self.identityName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlockDeviceError("open the identity's folder") }
        let folder = FileDescriptor(rawValue: descriptor)
        defer { try? folder.close() }
        try Self.copyFiles(of: identity, to: folder)
        guard fsync(descriptor) == 0 else { throw BlockDeviceError("flush the identity's folder") }
    }

    private static func copyFiles(of source: NodeDirectory, to folder: FileDescriptor) throws {
        let names = files(in: source.path).sorted { ($0 == "host-id" ? 1 : 0, $0) < ($1 == "host-id" ? 1 : 0, $1) }
        for name in names {
            guard let status = FileStatus(source.file(name), followsLinks: false), status.isRegular,
                let bytes = try source.read(name)
            else { continue }
            let file = try write(bytes, to: name, in: folder, mode: status.permissions & 0o777)
            defer { try? file.close() }
            guard fchown(file.rawValue, status.user, status.group) == 0, fsync(file.rawValue) == 0 else {
                throw FileFailure(FilePath(name), "keep the owner of")
            }
        }
    }

    private static func files(in directory: FilePath) -> [String] {
        guard let handle = opendir(directory.string) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    // MARK: The steps

    private static let outputBytesMax = 64 << 10

    private func makeFileSystem(in part: Range<Int64>, _ options: [String]) async throws {
        let loop = try LoopDevice.attach(disk.file, part: part)
        let refusal: String?
        do {
            let result = try await Subprocess.run(
                .name("mke2fs"),
                arguments: Arguments(["-q", "-F"] + options + ["-E", "nodiscard", loop.path.string]),
                environment: .inherit.updating(["MKE2FS_CONFIG": "/dev/null"]),
                output: .discarded,
                error: .string(limit: Self.outputBytesMax)
            )
            let words = result.standardError.split(separator: "\n").last ?? "it gives no reason"
            refusal = result.terminationStatus.isSuccess ? nil : terminalEscaped(words)
        } catch {
            throw InstallFailure(.fault, "mke2fs cannot be run: \(error)", remedy: "use an image with e2fsprogs")
        }
        guard let refusal else { return }
        throw InstallFailure(
            .unavailable,
            "the file system could not be made: \(refusal)",
            remedy: "see the kernel's messages (dmesg); the disk may be failing"
        )
    }

    private func fill(
        _ part: Range<Int64>,
        _ wanted: [ImageManifest.File],
        _ image: SignedManifest,
        from files: some ImageFiles
    ) async throws {
        let loop = try LoopDevice.attach(disk.file, part: part)
        let mount = try TransientMount(loop.path, type: "ext4", readOnly: false)
        guard mkdirat(mount.directory.rawValue, InstalledDisk.folder, 0o755) == 0 else {
            throw BlockDeviceError("make the folder of the slot")
        }
        let folder = try Self.folder(mount.directory)
        defer { try? folder.close() }
        let total = wanted.reduce(0) { $0 + $1.size }
        var before: Int64 = 0
        for file in wanted {
            let target = try Self.create(file.name, in: folder, mode: 0o644)
            defer { try? target.close() }
            let base = before
            try await files.copy(file, to: target) { [progress] in progress.tell("slot", base + $0, total) }
            guard fsync(target.rawValue) == 0 else { throw BlockDeviceError("flush \(file.name)") }
            before += file.size
        }
        try Self.write(image.bytes, to: LiveImageSource.manifestName, in: folder)
        try Self.write(image.signature, to: LiveImageSource.signatureName, in: folder)
        guard fsync(folder.rawValue) == 0 else { throw BlockDeviceError("flush the folder of the slot") }
    }

    /// Reads everything back from the disk.
    private func verify(
        _ part: Range<Int64>,
        _ wanted: [ImageManifest.File],
        _ image: SignedManifest,
        _ slot: BootSlot
    ) throws {
        let loop = try LoopDevice.attach(disk.file, part: part)
        let mount = try TransientMount(loop.path, type: "ext4", readOnly: true)
        let files = try FolderFiles(InstalledDisk.folder, in: mount, place: "slot \(slot.rawValue)")
        let total = wanted.reduce(0) { $0 + $1.size }
        var before: Int64 = 0
        for file in wanted {
            try files.read(file) { bytes, offset in progress.tell("verify", before + offset + Int64(bytes.count), total)
            }
            before += file.size
        }
        guard try files.small(LiveImageSource.manifestName, limit: LiveImage.manifestBytesMax) == image.bytes,
            try files.small(LiveImageSource.signatureName, limit: ImageSignature.bytesMax) == image.signature
        else {
            throw InstallFailure(
                .unavailable,
                "the disk does not give back what was written to it",
                remedy: "replace the disk"
            )
        }
    }

    private func mounted(_ part: Range<Int64>, readOnly: Bool, _ body: (FileDescriptor) throws -> Void) throws {
        let loop = try LoopDevice.attach(disk.file, part: part)
        let mount = try TransientMount(loop.path, type: "ext4", readOnly: readOnly)
        let folder = try Self.folder(mount.directory)
        defer { try? folder.close() }
        try body(folder)
    }

    // MARK: Files

    private static func folder(_ directory: FileDescriptor) throws -> FileDescriptor {
        let descriptor = openat(
            directory.rawValue,
            InstalledDisk.folder,
            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        )
        guard descriptor >= 0 else { throw BlockDeviceError("open the folder of the slot") }
        return FileDescriptor(rawValue: descriptor)
    }

    private static func create(_ name: String, in folder: FileDescriptor, mode: mode_t) throws -> FileDescriptor {
        let descriptor = openat(folder.rawValue, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw BlockDeviceError("create \(name)") }
        return FileDescriptor(rawValue: descriptor)
    }

    @discardableResult
    private static func write(
        _ bytes: [UInt8],
        to name: String,
        in folder: FileDescriptor,
        mode: mode_t? = nil
    ) throws -> FileDescriptor {
        let file = try create(name, in: folder, mode: mode ?? 0o644)
        do {
            try file.writeAll(bytes)
            guard fsync(file.rawValue) == 0 else { throw BlockDeviceError("flush \(name)") }
        } catch {
            try? file.close()
            throw error
        }
        guard mode == nil else { return file }
        try file.close()
        return file
    }
}
