import HostModel

/// The partition table of an image file.
extension PartitionTable {
    /// The largest number of sectors that is believed: 4 EiB.
    private static let mostSectors: Int64 = 1 << 53

    /// `nil` where there is none; one with wrong checksums or impossible partitions is an error.
    static func read(_ source: ByteSource) throws -> PartitionTable? {
        guard source.size >= firstUsable * sector else { return nil }
        let most = (2 + Int64(mostEntries) * 128 / sector) * sector
        let bytes = try source.bytes(at: 0, count: Int(min(most, source.size)))
        guard bytes[Int(sector)...].starts(with: "EFI PART".utf8) else { return nil }
        // The medium's last sector is where the header says that its backup is.
        let last = bytes.field(Int64.self, at: Int(sector) + 32) ?? 0
        do {
            guard (firstUsable..<mostSectors).contains(last) else { throw Refusal("its backup has no place") }
            return try PartitionTable(parsing: bytes, sectors: last + 1)
        } catch {
            throw BuildError(.image, "the partition table is damaged: \(error)", remedy: "fetch or build it again")
        }
    }

    /// Throws when the image ends before the backup of the table.
    func checkEnd(of source: ByteSource) throws {
        guard sectors <= source.size / Self.sector else {
            throw BuildError(
                .image,
                "its partition table has \(sectors) sectors, and it has \(source.size / Self.sector): it was cut off",
                remedy: "fetch or build it again"
            )
        }
    }
}

extension PartitionTable.Partition {
    /// Bytes from the beginning of the image.
    var offset: Int64 { sectors.lowerBound * PartitionTable.sector }
    /// Bytes.
    var size: Int64 { Int64(sectors.count) * PartitionTable.sector }
}
