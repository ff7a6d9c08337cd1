/// The partitions of a GUID partition table (UEFI 2.10, chapter 5), with sectors of 512 bytes.
struct DiskPartitions: Equatable {
    struct Partition: Equatable {
        var name: String
        /// Bytes from the beginning of the disk.
        var offset: Int64
        var size: Int64
    }

    private static let sector: Int64 = 512
    /// The most entries read; the specification's own number is 128.
    private static let entriesMax = 256

    var partitions: [Partition]
    /// The sector of the backup header: the disk's last.
    private var lastSector: Int64

    /// `nil` where there is none.
    static func read(_ source: ByteSource) throws -> DiskPartitions? {
        guard source.size >= 34 * sector else { return nil }
        let header = try source.bytes(at: sector, count: 92)
        guard header.starts(with: Array("EFI PART".utf8)) else { return nil }
        let entrySize = Int(header.little32(84))
        let count = Int(header.little32(80))
        let start = Int64(clamping: header.little64(72))
        guard entrySize == 128, (1...entriesMax).contains(count), (2...source.size / sector).contains(start) else {
            throw BuildError(.image, "its partition table is damaged", remedy: "fetch or build it again")
        }
        let entries = try source.bytes(at: start * sector, count: count * entrySize)
        var table = DiskPartitions(partitions: [], lastSector: Int64(clamping: header.little64(32)))
        for number in 0..<count {
            let entry = Array(entries[number * entrySize..<(number + 1) * entrySize])
            guard entry[0..<16].contains(where: { $0 != 0 }) else { continue }
            let first = Int64(clamping: entry.little64(32))
            let last = Int64(clamping: entry.little64(40))
            guard first > 0, last >= first, last < 1 << 40 else { continue }
            let units = stride(from: 56, to: 128, by: 2).map { UInt16(entry.little16($0)) }.prefix { $0 != 0 }
            let name = String(decoding: units, as: UTF16.self)
            table.partitions.append(
                Partition(name: name, offset: first * sector, size: (last - first + 1) * sector)
            )
        }
        return table
    }

    /// Throws when the image ends before its backup header.
    func checkEnd(of source: ByteSource) throws {
        guard lastSector < source.size / Self.sector else {
            throw BuildError(
                .image,
                "its partition table names sector \(lastSector), and it has \(source.size / Self.sector): it was cut off",
                remedy: "fetch or build it again"
            )
        }
    }
}
