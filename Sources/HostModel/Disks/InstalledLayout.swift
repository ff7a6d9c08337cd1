/// Where everything stands on a disk that Muster is installed on (docs/images.md, "Install to disk").
///
///     1  MUSTER-BIOS    1 MiB     GRUB's core
///     2  MUSTER-ESP               FAT; as large as the image's loaders say
///     3  MUSTER-A                 ext4 without a journal: kernel, initramfs, root image
///     4  MUSTER-B                 the same
///     5  MUSTER-STATE   the rest  ext4: key, certificate, settings, networks
///
/// As long as an installation is not finished, the first partition is named `MUSTER-UNFINISHED`.
package struct InstalledLayout: Hashable, Sendable {
    /// What a disk cannot hold; the end of a sentence that begins with the disk.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    package static let unfinishedName = "MUSTER-UNFINISHED"
    package static let names = ["MUSTER-BIOS", "MUSTER-ESP", "MUSTER-A", "MUSTER-B", "MUSTER-STATE"]
    private static let types: [GUID] = [.biosBoot, .efiSystem, .linuxRoot, .linuxRoot, .linuxData]
    private static let mebibyte: Int64 = 1 << 20
    /// The smallest state partition, in bytes: ext4 with a journal.
    package static let smallestState: Int64 = 64 << 20
    /// The smallest slot that is made unless one is asked for, in bytes.
    package static let usualSlot: Int64 = 2 << 30
    /// A slot is this many times as large as the image, so that later ones fit.
    private static let growth: Int64 = 3

    /// Bytes of the whole disk.
    package let size: Int64
    /// Bytes of one of its sectors.
    package let sector: Int64
    /// Bytes from the disk's beginning, of the five partitions.
    package let partitions: [Range<Int64>]

    package var core: Range<Int64> { partitions[0] }
    package var esp: Range<Int64> { partitions[1] }
    package var state: Range<Int64> { partitions[4] }
    package func slot(_ slot: BootSlot) -> Range<Int64> { partitions[slot == .a ? 2 : 3] }

    /// `esp`, `image` and `slot` (where one was asked for) are bytes.
    package init(
        disk size: Int64,
        sector: Int64 = PartitionTable.sector,
        esp: Int64,
        image: Int64,
        slot wanted: Int64? = nil
    ) throws(Refusal) {
        let smallest = Self.smallestSlot(image: image)
        let slot = roundedUp(max(wanted ?? Self.usualSlot, wanted ?? image * Self.growth), to: Self.mebibyte)
        guard slot >= smallest else {
            throw Refusal(description: "its slots would be \(slot >> 20) MiB, and the image needs \(smallest >> 20)")
        }
        var sizes = [Self.mebibyte, roundedUp(esp, to: Self.mebibyte), slot, slot, Self.smallestState]
        // The table's copy takes the end.
        let free = (size - 2 * Self.mebibyte) / Self.mebibyte * Self.mebibyte - sizes.reduce(0, +)
        guard free >= 0 else {
            let needed = (sizes.reduce(0, +) + 2 * Self.mebibyte) >> 20
            throw Refusal(description: "it has \(size >> 20) MiB, and \(needed) are needed")
        }
        sizes[4] += free
        var start = Self.mebibyte
        (self.size, self.sector) = (size, sector)
        partitions = sizes.map { size in
            defer { start += size }
            return start..<start + size
        }
    }

    /// The partitions of a table that an installation wrote; `nil` for any other table.
    package init?(_ table: PartitionTable) {
        guard table.partitions.count == Self.names.count, Self.isOurs(table) else { return nil }
        let sector = table.sector
        (size, self.sector) = (table.sectors * sector, sector)
        partitions = table.partitions.map { ($0.sectors.lowerBound * sector)..<($0.sectors.upperBound * sector) }
    }

    /// The smallest slot for an image of so many bytes: itself, and what the file system takes.
    package static func smallestSlot(image: Int64) -> Int64 {
        roundedUp(image + image / 16 + 16 * mebibyte, to: mebibyte)
    }

    /// The table, with the mark of an unfinished installation or without.
    package func table(
        disk: GUID,
        ids: [GUID],
        isUnfinished: Bool
    ) throws(PartitionTable.Refusal) -> PartitionTable {
        try PartitionTable(
            disk: disk,
            partitions: partitions.indices.map { index in
                let bytes = partitions[index]
                return PartitionTable.Partition(
                    type: Self.types[index],
                    id: ids[index],
                    name: index == 0 && isUnfinished ? Self.unfinishedName : Self.names[index],
                    sectors: (bytes.lowerBound / sector)..<(bytes.upperBound / sector)
                )
            },
            sectors: size / sector,
            sector: sector
        )
    }

    /// The number of the state partition.
    package static let stateNumber = 5
    /// The number of a slot's partition.
    package static func number(of slot: BootSlot) -> Int { slot == .a ? 3 : 4 }

    private static func isOurs(_ table: PartitionTable) -> Bool {
        zip(table.partitions.map(\.name), names).enumerated().allSatisfy { index, pair in
            pair.0 == pair.1 || (index == 0 && pair.0 == unfinishedName)
        }
    }

    /// True for a table of ours whose installation did not come to its end.
    package static func isUnfinished(_ table: PartitionTable) -> Bool {
        isOurs(table) && table.partitions.first?.name == unfinishedName
    }
}
