/// A GUID partition table (UEFI specification, 5.3) for a medium of 512-byte or 4096-byte sectors, and the protective MBR
/// before it.
package struct PartitionTable: Hashable, Sendable {
    package struct Partition: Hashable, Sendable {
        package var type: GUID
        package var id: GUID
        /// At most 36 UTF-16 units.
        package var name: String
        /// Sectors, first to one past the last.
        package var sectors: Range<Int64>
        /// Bit 0 required, bit 60 read-only.
        package var attributes: UInt64 = 0

        package init(type: GUID, id: GUID, name: String, sectors: Range<Int64>, attributes: UInt64 = 0) {
            (self.type, self.id, self.name) = (type, id, name)
            (self.sectors, self.attributes) = (sectors, attributes)
        }
    }

    /// Partitions that cannot be, or bytes that are no partition table; the end of a sentence.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
        package init(_ description: String) { self.description = description }
    }

    /// Bytes of a sector, where nothing else is said.
    package static let sector: Int64 = 512
    /// Those that a disk may have.
    package static let sectorSizes: Set<Int64> = [512, 4096]
    package static let mostPartitions = 128
    package static let longestName = 36
    /// The most entries that are read: xorriso writes 248.
    package static let mostEntries = 256
    /// MBR, header and 128 entries of 128 bytes, in sectors of 512 bytes.
    package static let firstUsable: Int64 = 34
    /// Entries and header, at the end, in sectors of 512 bytes.
    package static let backupSectors: Int64 = 33
    private static let entrySize = 128

    /// In sectors of `sector` bytes: 34, or 6 of 4096 bytes.
    package static func firstUsable(sector: Int64) -> Int64 { backupSectors(sector: sector) + 1 }
    /// In sectors of `sector` bytes: 33, or 5 of 4096 bytes.
    package static func backupSectors(sector: Int64) -> Int64 { Int64(mostPartitions * entrySize) / sector + 1 }

    package let disk: GUID
    package let partitions: [Partition]
    /// Of the whole medium.
    package let sectors: Int64
    /// Bytes of each.
    package let sector: Int64

    /// Partitions that overlap, reach into the table or out of the medium are an error.
    package init(
        disk: GUID,
        partitions: [Partition],
        sectors: Int64,
        sector: Int64 = Self.sector
    ) throws(Refusal) {
        guard Self.sectorSizes.contains(sector) else { throw Refusal("there are no sectors of \(sector) bytes") }
        (self.disk, self.partitions, self.sectors, self.sector) = (disk, partitions, sectors, sector)
        var free = Self.firstUsable(sector: sector)
        for partition in partitions.sorted(by: { $0.sectors.lowerBound < $1.sectors.lowerBound }) {
            guard partition.sectors.lowerBound >= free, !partition.sectors.isEmpty else {
                throw Refusal("the partition \(partition.name) overlaps what stands before it")
            }
            free = partition.sectors.upperBound
        }
        guard free <= sectors - Self.backupSectors(sector: sector) else {
            throw Refusal("the partitions do not fit the medium")
        }
        guard partitions.count <= Self.mostPartitions else { throw Refusal("there are too many partitions") }
        guard partitions.allSatisfy({ $0.name.utf16.count <= Self.longestName }) else {
            throw Refusal("the name of a partition is too long")
        }
    }

    /// Reads a table from the first sectors of a disk, 34 of 512 bytes for the usual 128 entries, or from its last 33
    /// with `backup`; both checksums must be right.
    package init(
        parsing bytes: [UInt8],
        backup: Bool = false,
        sectors: Int64,
        sector: Int64 = Self.sector
    ) throws(Refusal) {
        let copy = Self.backupSectors(sector: sector)
        let place = Int((backup ? copy - 1 : 1) * sector)
        let start = backup ? 0 : 2 * Int(sector)
        guard bytes.count >= Int((backup ? copy : copy + 1) * sector) else { throw Refusal("it is cut off") }
        var header = Array(bytes[place..<place + 92])
        guard header.starts(with: "EFI PART".utf8) else { throw Refusal("there is no GPT") }
        let sum: UInt32? = header.field(UInt32.self, at: 16)
        header.put(UInt32(0), at: 16)
        let count = Int(header.field(UInt32.self, at: 80) ?? 0)
        guard crc32(header) == sum, header.field(UInt32.self, at: 12) == 92, (1...Self.mostEntries).contains(count),
            header.field(UInt32.self, at: 84) == UInt32(Self.entrySize), let disk = GUID(bytes: header[56..<72])
        else { throw Refusal("its checksum or its form is wrong") }
        guard start + count * Self.entrySize <= bytes.count else { throw Refusal("it is cut off") }
        let entries = bytes[start..<start + count * Self.entrySize]
        guard crc32(entries) == header.field(UInt32.self, at: 88) else { throw Refusal("its checksum is wrong") }
        var partitions: [Partition] = []
        for number in 0..<count {
            let entry = Array(entries[(start + number * Self.entrySize)...].prefix(Self.entrySize))
            guard let partition = try Partition(entry: entry) else { continue }
            guard number == partitions.count else { throw Refusal("its numbers have gaps") }
            partitions.append(partition)
        }
        try self.init(disk: disk, partitions: partitions, sectors: sectors, sector: sector)
    }

    /// What stands from sector 1 on.
    package var primary: [UInt8] { header(at: 1, other: sectors - 1, entries: 2) + entries }

    /// What stands from byte `backupOffset` on, to the end of the medium.
    package var backup: [UInt8] { entries + header(at: sectors - 1, other: 1, entries: backupStart) }

    /// Where the copy of the table begins, in bytes.
    package var backupOffset: Int64 { backupStart * sector }

    private var backupStart: Int64 { sectors - Self.backupSectors(sector: sector) }

    /// Sector 0: a boot loader's code, and one partition over everything, which keeps tools that know no GPT away. Some
    /// BIOSes start a stick only if a partition is active: `forceActive` adds an empty one that is, against the letter of
    /// the UEFI specification.
    package func protectiveMBR(code: [UInt8], diskID: UInt32, forceActive: Bool = false) -> [UInt8] {
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
        return bytes + [UInt8](repeating: 0, count: Int(sector) - bytes.count)
    }

    /// Bytes of code in an MBR.
    package static let codeSize = 440

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
        var bytes = Array("EFI PART".utf8) + [UInt8](repeating: 0, count: Int(sector) - 8)
        bytes.put(UInt32(0x10000), at: 8)
        bytes.put(UInt32(92), at: 12)
        bytes.put(place, at: 24)
        bytes.put(other, at: 32)
        bytes.put(Self.firstUsable(sector: sector), at: 40)
        bytes.put(backupStart - 1, at: 48)
        bytes.replace(at: 56, with: disk.bytes)
        bytes.put(start, at: 72)
        bytes.put(UInt32(Self.mostPartitions), at: 80)
        bytes.put(UInt32(Self.entrySize), at: 84)
        bytes.put(crc32(entries), at: 88)
        bytes.put(crc32(bytes.prefix(92)), at: 16)
        return bytes
    }
}

extension PartitionTable.Partition {
    /// One entry of the table; `nil` where it is not in use.
    init?(entry bytes: [UInt8]) throws(PartitionTable.Refusal) {
        guard bytes[0..<16].contains(where: { $0 != 0 }) else { return nil }
        guard let type = GUID(bytes: bytes[0..<16]), let id = GUID(bytes: bytes[16..<32]),
            let first = bytes.field(Int64.self, at: 32), let last = bytes.field(Int64.self, at: 40),
            first > 0, last >= first, last < Int64.max / PartitionTable.sector
        else { throw PartitionTable.Refusal("a partition of it cannot be") }
        let units = stride(from: 56, to: 128, by: 2).map { bytes.field(UInt16.self, at: $0) ?? 0 }.prefix { $0 != 0 }
        self.init(
            type: type,
            id: id,
            name: String(decoding: units, as: UTF16.self),
            sectors: first..<last + 1,
            attributes: bytes.field(UInt64.self, at: 48) ?? 0
        )
    }
}
