/// A GUID partition table (UEFI specification, 5.3) for a medium of 512-byte sectors, and the protective MBR before it.
struct PartitionTable: Hashable, Sendable {
    struct Partition: Hashable, Sendable {
        var type: GUID
        var id: GUID
        /// At most 36 UTF-16 units.
        var name: String
        /// Sectors, first to one past the last.
        var sectors: Range<Int64>
        /// Bit 0 required, bit 60 read-only.
        var attributes: UInt64 = 0
    }

    static let sector: Int64 = 512
    static let mostPartitions = 128
    static let longestName = 36
    /// MBR, header and 128 entries of 128 bytes.
    static let firstUsable: Int64 = 34
    /// Entries and header, at the end.
    static let backupSectors: Int64 = 33
    private static let entrySize = 128

    let disk: GUID
    let partitions: [Partition]
    /// Of the whole medium.
    let sectors: Int64

    /// Partitions that overlap, reach into the table or out of the medium are an error.
    init(disk: GUID, partitions: [Partition], sectors: Int64) throws(BuildError) {
        (self.disk, self.partitions, self.sectors) = (disk, partitions, sectors)
        var free = Self.firstUsable
        for partition in partitions.sorted(by: { $0.sectors.lowerBound < $1.sectors.lowerBound }) {
            guard partition.sectors.lowerBound >= free, !partition.sectors.isEmpty else {
                throw Self.failure("the partition \(partition.name) overlaps what stands before it")
            }
            free = partition.sectors.upperBound
        }
        guard free <= sectors - Self.backupSectors else { throw Self.failure("the partitions do not fit the medium") }
        guard partitions.count <= Self.mostPartitions else { throw Self.failure("there are too many partitions") }
        guard partitions.allSatisfy({ $0.name.utf16.count <= Self.longestName }) else {
            throw Self.failure("the name of a partition is too long")
        }
    }

    /// Sectors 1 to 33.
    var primary: [UInt8] { header(at: 1, other: sectors - 1, entries: 2) + entries }

    /// The last 33 sectors.
    var backup: [UInt8] { entries + header(at: sectors - 1, other: 1, entries: sectors - Self.backupSectors) }

    /// Sector 0: a boot loader's code, and one partition over everything, which keeps tools that know no GPT away. Some
    /// BIOSes start a stick only if a partition is active: `forceActive` adds an empty one that is, against the letter of
    /// the UEFI specification.
    func protectiveMBR(code: [UInt8], diskID: UInt32, forceActive: Bool = false) -> [UInt8] {
        var bytes =
            Array(code.prefix(Self.codeSize)) + [UInt8](repeating: 0, count: 512 - min(code.count, Self.codeSize))
        bytes.put(diskID, at: 440)
        bytes.replace(at: 446, with: [0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF])
        bytes.put(UInt32(1), at: 454)
        bytes.put(UInt32(clamping: sectors - 1), at: 458)
        if forceActive {
            bytes.replace(at: 462, with: [0x80, 0, 2, 0, 0, 0xFF, 0xFF, 0xFF])
            bytes.put(UInt32(0), at: 470)
            bytes.put(UInt32(1), at: 474)
        }
        bytes.replace(at: 510, with: [0x55, 0xAA])
        return bytes
    }

    /// Bytes of code in an MBR.
    static let codeSize = 440

    private var entries: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.mostPartitions * Self.entrySize)
        for (index, partition) in partitions.enumerated() {
            let start = index * Self.entrySize
            bytes.replace(at: start, with: partition.type.bytes + partition.id.bytes)
            bytes.put(partition.sectors.lowerBound, at: start + 32)
            bytes.put(partition.sectors.upperBound - 1, at: start + 40)
            bytes.put(partition.attributes, at: start + 48)
            for (position, unit) in partition.name.utf16.enumerated() { bytes.put(unit, at: start + 56 + position * 2) }
        }
        return bytes
    }

    private func header(at place: Int64, other: Int64, entries start: Int64) -> [UInt8] {
        var bytes = Array("EFI PART".utf8) + [UInt8](repeating: 0, count: 504)
        bytes.put(UInt32(0x10000), at: 8)
        bytes.put(UInt32(92), at: 12)
        bytes.put(place, at: 24)
        bytes.put(other, at: 32)
        bytes.put(Self.firstUsable, at: 40)
        bytes.put(sectors - Self.backupSectors - 1, at: 48)
        bytes.replace(at: 56, with: disk.bytes)
        bytes.put(start, at: 72)
        bytes.put(UInt32(Self.mostPartitions), at: 80)
        bytes.put(UInt32(Self.entrySize), at: 84)
        bytes.put(crc32(entries), at: 88)
        bytes.put(crc32(bytes.prefix(92)), at: 16)
        return bytes
    }

    private static func failure(_ sentence: String) -> BuildError {
        BuildError(.result, sentence, remedy: "this is a fault of the image builder; please report it")
    }
}
