import BlockDevices
import FoundationEssentials
import HostModel
import SystemPackage

/// A disk that Muster is installed on: its boot environment and its slots.
struct InstalledDisk: Sendable {
    let device: DiskDevice
    let guid: GUID
    let layout: InstalledLayout
    let isUnfinished: Bool
    private let ids: [GUID]

    /// How far into the EFI system partition the boot environment is looked for, in bytes.
    private static let searchBytes: Int64 = 64 << 20
    private static let searchChunk = 1 << 20
    /// The folder of a slot, and its files beside those of the image.
    static let folder = "muster"
    static let argumentsName = "slot.cfg"
    static let siteName = "site.arguments"

    /// `nil` for a disk without our table.
    init?(_ device: DiskDevice) {
        guard let table = device.partitionTable(), let layout = InstalledLayout(table) else { return nil }
        (self.device, guid, self.layout) = (device, table.disk, layout)
        (isUnfinished, ids) = (InstalledLayout.isUnfinished(table), table.partitions.map(\.id))
    }

    // MARK: The boot environment

    /// Where it stands on the disk, in bytes; `nil` when it is damaged or gone.
    private func environmentPlace() throws(BlockDeviceError) -> (Int64, BootEnvironment)? {
        let end = min(layout.esp.upperBound, layout.esp.lowerBound + Self.searchBytes)
        var start = layout.esp.lowerBound
        while start < end {
            let count = Int(min(Int64(Self.searchChunk + BootEnvironment.size), end - start))
            let bytes = try device.read(at: start, count: count)
            for offset in stride(from: 0, through: count - BootEnvironment.size, by: 512) where bytes[offset] == 35 {
                let block = Array(bytes[offset..<offset + BootEnvironment.size])
                if let environment = BootEnvironment(parsing: block) { return (start + Int64(offset), environment) }
            }
            start += Int64(Self.searchChunk)
        }
        return nil
    }

    func environment() throws(BlockDeviceError) -> BootEnvironment? { try environmentPlace()?.1 }

    /// Overwrites it in place: one sector changes.
    func write(_ environment: BootEnvironment) throws(InstallFailure) {
        do throws(BlockDeviceError) {
            guard let (place, present) = try environmentPlace() else {
                throw BlockDeviceError("find the boot environment on \(device.path)", code: 2)
            }
            guard present != environment else { return }
            try device.write(environment.bytes, at: place)
            try device.flush()
        } catch {
            throw InstallFailure(error)
        }
    }

    /// Takes away the mark of an unfinished installation: everything else is in place.
    func finish() throws(InstallFailure) {
        do {
            let table = try layout.table(disk: guid, ids: ids, isUnfinished: false)
            try device.write(table.backup, at: table.backupOffset)
            try device.flush()
            try device.write(table.primary, at: table.sector)
            try device.flush()
        } catch {
            throw InstallFailure(error)
        }
    }

    // MARK: Slots

    /// The manifest of what a slot holds, which was checked when it was written; `nil` unless it was written to its end.
    func image(in slot: BootSlot) -> ImageManifest? {
        guard let files = files(in: slot), (try? files.small(Self.argumentsName, limit: 4096)) != nil,
            let bytes = try? files.small(LiveImageSource.manifestName, limit: LiveImage.manifestBytesMax)
        else { return nil }
        return try? JSONDecoder().decode(ImageManifest.self, from: Data(bytes))
    }

    /// The words of the site that a slot is started with.
    func siteArguments(in slot: BootSlot) -> [String]? {
        guard let bytes = try? files(in: slot)?.small(Self.siteName, limit: KernelArguments.bytesMax) else {
            return nil
        }
        return SlotArguments.site(of: KernelArguments(String(decoding: bytes, as: UTF8.self)))
    }

    /// The files of a slot, read-only.
    func files(in slot: BootSlot) -> FolderFiles? {
        guard isFormatted(slot), let loop = try? LoopDevice.attach(device.file, part: layout.slot(slot)),
            let mount = try? TransientMount(loop.path, type: "ext4", readOnly: true)
        else { return nil }
        return try? FolderFiles(Self.folder, in: mount, place: "slot \(slot.rawValue)")
    }

    private func isFormatted(_ slot: BootSlot) -> Bool {
        let head = (try? device.read(at: layout.slot(slot).lowerBound, count: Superblock.bytesNeeded)) ?? []
        return Superblock(head)?.fileSystem == .ext4
    }

    /// What is known of a slot; `running` is the one that this node was started from.
    func report(_ slot: BootSlot, running: BootSlot?) -> DiskReport.Slot {
        let image = image(in: slot)
        let environment = try? environment()
        let isTried = environment?.trial == slot
        let state: DiskReport.Slot.State =
            switch image {
            case nil: isFormatted(slot) ? .unfinished : .empty
            case _ where isUnfinished: .unfinished
            case _ where isTried && (running == slot || (environment?.left ?? 0) > 0): .trial
            case _ where isTried: .failed
            default: .good
            }
        return DiskReport.Slot(name: image?.name, version: image?.version, state: state)
    }

    func report(running: BootSlot?) -> DiskReport.Installation {
        let slots = BootSlot.allCases.map { ($0.rawValue, report($0, running: running)) }
        return DiskReport.Installation(
            guid: guid.description,
            slots: Dictionary(uniqueKeysWithValues: slots),
            running: running?.rawValue
        )
    }
}
