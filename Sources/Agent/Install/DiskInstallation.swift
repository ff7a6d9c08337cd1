import BlockDevices
import Crypto
import HostModel

/// An installation onto an open disk, in an order in which a power cut anywhere leaves a disk that does not boot, or one
/// that boots what is whole: the table with its mark, slot a, state, loaders, what makes it boot, the table without the mark.
struct DiskInstallation: Sendable {
    let disk: DiskDevice
    let layout: InstalledLayout
    let guid: GUID
    let progress: InstallReporter

    /// Bytes of the FAT's first sector: it has sectors of 512 bytes on every disk.
    private static let fatSector = Int(PartitionTable.sector)
    /// Cleared at both ends of the disk and of each partition, so that nothing of what was there is found again.
    private static let clearedEnds: Int64 = 1 << 20

    func run(
        _ image: SignedManifest,
        from files: any ImageFiles,
        _ loaders: DiskLoaders,
        _ arguments: SlotArguments,
        state: NodeDirectory,
        _ networks: OwnedNetworks
    ) async throws {
        let ids = InstalledLayout.names.map { _ in GUID.random() }
        progress.tell("partition")
        try partition(try layout.table(disk: guid, ids: ids, isUnfinished: true))
        let writer = SlotWriter(disk: disk, progress: progress)
        try await writer.write(image, from: files, to: layout.slot(.a), slot: .a, arguments)
        progress.tell("state")
        try await writer.makeState(in: layout.state)
        try writer.copyState(state, networks, to: layout.state)
        try disk.flush()
        progress.tell("loaders")
        try writeLoaders(loaders)
        progress.tell("boot")
        try makeBootable(loaders, try layout.table(disk: guid, ids: ids, isUnfinished: false))
        disk.rereadPartitions()
    }

    private func partition(_ table: PartitionTable) throws {
        try disk.clear(max(0, layout.size - Self.clearedEnds)..<layout.size)
        try disk.write(table.backup, at: table.backupOffset)
        try disk.flush()
        // Without the loader's code, so that the firmware goes on to the network.
        try disk.clear(0..<Self.clearedEnds)
        try disk.write(table.protectiveMBR(code: [], diskID: diskID) + table.primary, at: 0)
        for part in layout.partitions {
            let end = min(Self.clearedEnds, Int64(part.count))
            try disk.clear(part.lowerBound..<part.lowerBound + end)
            try disk.clear(part.upperBound - end..<part.upperBound)
        }
        try disk.flush()
        disk.rereadPartitions()
    }

    /// Everything but the first sector of the EFI system partition, without which it is no file system.
    private func writeLoaders(_ loaders: DiskLoaders) throws {
        try disk.write(loaders.core, at: layout.core.lowerBound)
        var end: Int64 = 0
        for run in loaders.esp {
            try disk.clear(layout.esp.lowerBound + end..<layout.esp.lowerBound + run.offset)
            try disk.write(run.offset == 0 ? zeroed(run.bytes) : run.bytes, at: layout.esp.lowerBound + run.offset)
            end = run.offset + Int64(run.bytes.count)
        }
        try disk.flush()
        disk.forgetCache()
        for run in loaders.esp {
            let wanted = run.offset == 0 ? zeroed(run.bytes) : run.bytes
            guard try disk.read(at: layout.esp.lowerBound + run.offset, count: run.bytes.count) == wanted else {
                throw InstallFailure(
                    .unavailable,
                    "the disk does not give back what was written to it",
                    remedy: "replace the disk"
                )
            }
        }
    }

    private func zeroed(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0, count: Self.fatSector) + bytes.dropFirst(Self.fatSector)
    }

    private func makeBootable(_ loaders: DiskLoaders, _ table: PartitionTable) throws {
        try disk.write(loaders.esp[0].bytes.prefix(Self.fatSector), at: layout.esp.lowerBound)
        try disk.write(table.protectiveMBR(code: loaders.boot, diskID: diskID), at: 0)
        try disk.flush()
        try disk.write(table.backup, at: table.backupOffset)
        try disk.flush()
        try disk.write(table.primary, at: table.sector)
        try disk.flush()
    }

    private var diskID: UInt32 { max(1, guid.bytes.field(UInt32.self, at: 0) ?? 1) }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return Array(hash.finalize())
}
