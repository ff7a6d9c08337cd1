package import BlockDevices
import Glibc
package import HostModel
package import SystemPackage

/// What `muster-agent disks`, `install`, `upgrade`, `slots`, `confirm` and `rollback` do: the disks of this machine and the
/// image that goes to one of them.
package struct NodeInstall: Sendable {
    package struct Settings: Sendable {
        package var state: NodeDirectory
        package var run: NodeDirectory
        package var commandLine: FilePath
        /// The certificates that may sign images; the first file that is there counts.
        package var certificates: [FilePath]
        package var inventory: DiskInventory
        /// VDSM's directory: the networks that the engine committed go along to the disk.
        package var networkConfiguration: FilePath
        /// The roll-back index of the system that runs.
        package var rollbackIndex: FilePath = "/etc/muster/rollback-index"
        /// There where the machine was started by UEFI.
        package var firmware: FilePath = "/sys/firmware/efi"

        package init(
            state: NodeDirectory,
            run: NodeDirectory,
            commandLine: FilePath,
            certificates: [FilePath],
            inventory: DiskInventory = DiskInventory(),
            networkConfiguration: FilePath = "/var/lib/vdsm"
        ) {
            (self.state, self.run, self.commandLine) = (state, run, commandLine)
            (self.certificates, self.inventory) = (certificates, inventory)
            self.networkConfiguration = networkConfiguration
        }
    }

    /// What an installation is to do.
    package struct Request: Sendable {
        package var disk: DiskSelector
        /// The serial number of the disk that may be wiped.
        package var wipe: String?
        package var image: InstallSource?
        /// Bytes; `nil` for the usual size.
        package var slotSize: Int64?
        /// More words for the kernel command line of the installed node.
        package var kernelArguments: [String] = []
        package var isDryRun = false

        package init(disk: DiskSelector) { self.disk = disk }
    }

    package let settings: Settings
    let progress: InstallReporter

    package init(_ settings: Settings, progress: InstallReporter) {
        (self.settings, self.progress) = (settings, progress)
    }

    var arguments: KernelArguments {
        let line = (try? readFile(settings.commandLine, limit: KernelArguments.bytesMax)) ?? []
        return KernelArguments(String(decoding: line, as: UTF8.self))
    }

    var runningSlot: BootSlot? { arguments[BootSlot.argumentName].flatMap(BootSlot.init) }

    private var runningDisk: GUID? { arguments[BootSlot.diskArgumentName].flatMap { GUID($0) } }

    /// All disks, with what Muster has on them.
    package func disks() -> [DiskReport] {
        settings.inventory.disks().map { disk in
            var disk = disk
            if let installed = (try? DiskDevice(settings.inventory.device(disk.name), .reading)).flatMap(
                InstalledDisk.init
            ) {
                disk.muster = installed.report(running: installed.guid == runningDisk ? runningSlot : nil)
            }
            return disk
        }
    }

    /// The device of the state partition of the disk that this node runs from; `nil` when it is not there (yet).
    package func statePartition() -> FilePath? {
        guard let guid = runningDisk, let disk = settings.inventory.disk(guid) else { return nil }
        return settings.inventory.partition(InstalledLayout.stateNumber, of: disk).map(settings.inventory.device)
    }

    // MARK: Install

    /// Installs; with `isDryRun` says what would be done. Returns the disk.
    @discardableResult
    package func install(_ request: Request) async throws(InstallFailure) -> DiskReport {
        do {
            let disk = try request.disk.choose(from: settings.inventory.disks())
            try check(disk, request)
            let source = try request.image ?? InstallSource(arguments)
            progress.tell("image")
            let files = try files(source)
            let image = try await manifest(files, source)
            let loaders = try await loaders(of: image, files)
            let size = try image.slotFiles().reduce(0) { $0 + $1.size }
            let layout = try InstalledLayout(
                disk: disk.bytes,
                sector: Int64(disk.blockSize),
                esp: loaders.espSize,
                image: size,
                slot: request.slotSize
            )
            let guid = GUID.random()
            let words = try slotArguments(image, slot: .a, disk: guid, site: siteArguments + request.kernelArguments)
            if request.isDryRun {
                describe(disk, image, layout, words)
            } else {
                let installation = DiskInstallation(
                    disk: try DiskDevice(settings.inventory.device(disk.name), .owning),
                    layout: layout,
                    guid: guid,
                    progress: progress
                )
                let networks = try NetworkConfiguration.persistent(in: settings.networkConfiguration).owned()
                try await installation.run(image, from: files, loaders, words, state: settings.state, networks)
            }
            return disk
        } catch {
            throw InstallFailure(error)
        }
    }

    private func check(_ disk: DiskReport, _ request: Request) throws(InstallFailure) {
        try checkBlocks(disk)
        let installed = (try? DiskDevice(settings.inventory.device(disk.name), .reading)).flatMap(InstalledDisk.init)
        let isUnfinished = installed?.isUnfinished ?? false
        if let refusal = WipeConsent.refusal(disk, consent: request.wipe, isUnfinished: isUnfinished) {
            let remedy = disk.identity.map {
                "to wipe this disk, say so by its serial number: --wipe \(terminalEscaped($0))"
            }
            throw InstallFailure(.refused, refusal, remedy: remedy ?? "empty the disk first: it has no serial number")
        }
    }

    /// BIOS reads sectors of 512 bytes only.
    private func checkBlocks(_ disk: DiskReport) throws(InstallFailure) {
        let size = Int64(disk.blockSize)
        guard size != PartitionTable.sector else { return }
        let isSupported = PartitionTable.sectorSizes.contains(size)
        guard !isSupported || access(settings.firmware.string, F_OK) != 0 else { return }
        throw InstallFailure(
            .refused,
            isSupported
                ? "the disk has blocks of \(size) bytes, from which a machine starts by UEFI only, and this one started by "
                    + "BIOS: \(disk)"
                : "the disk has blocks of \(size) bytes, and only those of 512 and 4096 are supported: \(disk)",
            remedy: (isSupported ? "switch the firmware to UEFI, " : "")
                + "format the disk to 512-byte blocks (nvme format, sg_format), or choose another"
        )
    }

    private func describe(
        _ disk: DiskReport,
        _ image: SignedManifest,
        _ layout: InstalledLayout,
        _ words: SlotArguments
    ) {
        progress.say("nothing is written; this would be done:")
        progress.say("disk       \(disk)")
        progress.say("image      \(image.title)")
        for (name, part) in zip(InstalledLayout.names, layout.partitions) {
            progress.say("partition  \(name), \(part.count >> 20) MiB from \(part.lowerBound >> 20) MiB on")
        }
        progress.say("arguments  \(words.words.map { terminalEscaped($0) }.joined(separator: " "))")
    }

    // MARK: The image

    private static let signingLimit = 1 << 20

    private var trust: ImageTrust {
        get throws(LiveRootFailure) {
            let text = settings.certificates.lazy.compactMap { try? readFile($0, limit: Self.signingLimit) }.first ?? []
            return try ImageTrust(pem: String(decoding: text, as: UTF8.self))
        }
    }

    /// Where a live root has its medium mounted.
    private static let mountedMedium: FilePath = "/run/muster-live/medium/muster"

    func files(_ source: InstallSource) throws -> any ImageFiles {
        switch source {
        case .server(let folder):
            return ServerFiles(folder: folder, query: BootEventReport.query(arguments)) { [progress] in progress.say($0)
            }
        case .folder(let path): return try FolderFiles(path)
        case .medium(let volumeID):
            for candidate in MediumSearch().find(volumeID.text) {
                if let mount = try? TransientMount(
                    candidate.device,
                    type: candidate.fileSystem.rawValue,
                    readOnly: true
                ),
                    let files = try? FolderFiles(LiveMedium.folder, in: mount, place: "the medium \(volumeID)")
                {
                    return files
                }
            }
            if let files = try? FolderFiles(Self.mountedMedium) { return files }
            throw InstallFailure(
                .unavailable,
                "no drive of this machine holds the medium \(volumeID)",
                remedy: "put it into a drive of this machine"
            )
        }
    }

    func manifest(_ files: any ImageFiles, _ source: InstallSource) async throws -> SignedManifest {
        let image = try SignedManifest(
            try await files.small(LiveImageSource.manifestName, limit: LiveImage.manifestBytesMax),
            signature: try await files.small(LiveImageSource.signatureName, limit: ImageSignature.bytesMax),
            trust: try trust
        )
        let isAsked =
            switch source {
            case .server(let folder): image.manifest.name == folder.name && image.manifest.version == folder.version
            case .medium(let id): VolumeID(image: image.manifest.name, version: image.manifest.version) == id
            case .folder: true
            }
        guard isAsked else {
            throw InstallFailure(
                .refused,
                "the manifest is of \(image.title), which is not what was asked for",
                remedy: "publish the image again as it was built"
            )
        }
        try checkAge(image.manifest)
        return image
    }

    var protection: RollbackProtection { RollbackProtection(state: settings.state, builtIn: settings.rollbackIndex) }

    func checkAge(_ image: ImageManifest, besidesRunning: Bool = false) throws(InstallFailure) {
        let title = "\(terminalEscaped(image.name.prefix(64))) \(terminalEscaped(image.version.prefix(64)))"
        guard
            let refusal = protection.refusal(
                of: title,
                index: image.rollbackIndex,
                besidesRunning: besidesRunning
            )
        else { return }
        throw InstallFailure(.refused, refusal.message, remedy: refusal.remedy)
    }

    private func loaders(of image: SignedManifest, _ files: any ImageFiles) async throws -> DiskLoaders {
        guard let file = image.manifest.file(.loaders), ImageReference.isComponent(file.name),
            file.size <= DiskLoaders.bytesMax
        else {
            throw InstallFailure(
                .refused,
                "the image \(image.title) has no boot loaders for a disk",
                remedy: "build it with `install` among its outputs"
            )
        }
        let bytes = try await files.small(file.name, limit: DiskLoaders.bytesMax)
        guard Int64(bytes.count) == file.size, sha256(bytes) == file.sha256.bytes else {
            throw InstallFailure(
                .refused,
                "\(file.name) has other content than the signed manifest says",
                remedy: "write the medium or publish the image again"
            )
        }
        return try DiskLoaders(parsing: bytes)
    }

    func slotArguments(
        _ image: SignedManifest,
        slot: BootSlot,
        disk: GUID,
        site: [String]
    ) throws(SlotArguments.Refusal) -> SlotArguments {
        try SlotArguments(
            image: image.manifest.kernelArguments,
            site: site,
            slot: slot,
            disk: disk,
            hasRoot: image.manifest.file(.root) != nil
        )
    }

    /// Words that this system was started with, those of a site in front.
    private var siteArguments: [String] { SlotArguments.site(of: siteLine.followed(by: arguments)) }

    private static let sitePath: FilePath = "/etc/muster/site/arguments"

    private var siteLine: KernelArguments {
        let line = (try? readFile(Self.sitePath, limit: KernelArguments.bytesMax)) ?? []
        return KernelArguments(String(decoding: line, as: UTF8.self))
    }

    // MARK: The disk that this node runs from

    func ownDisk(_ access: DiskDevice.Access = .writing) throws(InstallFailure) -> (InstalledDisk, BootSlot) {
        guard let guid = runningDisk, let slot = runningSlot else {
            throw InstallFailure(
                .refused,
                "this node does not run from a disk that it was installed to",
                remedy: "install it: muster-agent install"
            )
        }
        let copies = settings.inventory.disks(guid)
        let found = settings.inventory.disk(guid)
        guard found != nil || copies.count < 2 else {
            throw InstallFailure(
                .refused,
                "\(copies.joined(separator: " and ")) are copies of one disk, and this node runs from either",
                remedy: "take the copy out of the machine"
            )
        }
        guard let name = found,
            let device = try? DiskDevice(settings.inventory.device(name), access), let disk = InstalledDisk(device)
        else {
            throw InstallFailure(
                .unavailable,
                "the disk \(guid) that this node runs from is not there",
                remedy: "see the kernel's messages (dmesg)"
            )
        }
        return (disk, slot)
    }
}
