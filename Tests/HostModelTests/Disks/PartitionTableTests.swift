import HostModel
import Testing

@Suite struct PartitionTableTests {
    private static func sample(sector: Int64 = 512) throws -> PartitionTable {
        let layout = try InstalledLayout(disk: 8 << 30, sector: sector, esp: 256 << 20, image: 40 << 20)
        return try layout.table(
            disk: try #require(GUID("a4c3bb17-5d82-4001-8b11-59bacaa9483e")),
            ids: (0..<5).map { GUID(UInt32($0), 1, 0x4002, 0x8000_0000_0000_0003) },
            isUnfinished: true
        )
    }

    private static func head(_ table: PartitionTable) -> [UInt8] {
        table.protectiveMBR(code: [], diskID: 1) + table.primary
    }

    @Test func whatIsWrittenIsRead() throws {
        let table = try Self.sample()
        #expect(try PartitionTable(parsing: Self.head(table), sectors: table.sectors) == table)
        #expect(try PartitionTable(parsing: table.backup, backup: true, sectors: table.sectors) == table)
        #expect(
            InstalledLayout(table)?.partitions
                == (try InstalledLayout(disk: 8 << 30, esp: 256 << 20, image: 40 << 20)).partitions
        )
        #expect(InstalledLayout.isUnfinished(table))
    }

    @Test func largeSectorsHoldTheSamePartitions() throws {
        let table = try Self.sample(sector: 4096)
        #expect(table.sectors == (8 << 30) / 4096 && table.primary.count == 5 * 4096 && table.backup.count == 5 * 4096)
        #expect(table.backupOffset == (8 << 30) - 5 * 4096)
        let head = Self.head(table)
        #expect(try PartitionTable(parsing: head, sectors: table.sectors, sector: 4096) == table)
        let copy = try PartitionTable(parsing: table.backup, backup: true, sectors: table.sectors, sector: 4096)
        #expect(copy == table)
        #expect(InstalledLayout(table)?.partitions == InstalledLayout(try Self.sample())?.partitions)
        #expect(throws: PartitionTable.Refusal.self) { try PartitionTable(parsing: head, sectors: table.sectors * 8) }
        #expect(throws: PartitionTable.Refusal.self) {
            try PartitionTable(disk: .linuxData, partitions: [], sectors: 1 << 20, sector: 520)
        }
    }

    @Test(arguments: [Int64(512), 4096])
    func everyStrictPrefixIsRefused(sector: Int64) throws {
        let table = try Self.sample(sector: sector)
        let bytes = Self.head(table)
        for count in 0..<bytes.count {
            #expect(throws: PartitionTable.Refusal.self) {
                try PartitionTable(parsing: Array(bytes[..<count]), sectors: table.sectors, sector: sector)
            }
        }
    }

    /// What counts are header and entries: the protective MBR, and the rest of the header's sector, may hold anything.
    @Test func everyByteFlippedIsRefused() throws {
        let (table, bytes) = (try Self.sample(), Self.head(try Self.sample()))
        for index in Array(512..<512 + 92) + Array(1024..<1024 + 5 * 128) {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: PartitionTable.Refusal.self, "byte \(index)") {
                try PartitionTable(parsing: damaged, sectors: table.sectors)
            }
        }
    }

    @Test(arguments: ["c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"])
    func aGUIDIsReadAsItIsWritten(text: String) {
        #expect(GUID(text) == .efiSystem)
        #expect(GUID(text)?.description == text.lowercased())
    }

    @Test(arguments: [
        "", "c12a7328", "c12a7328-f81f-11d2-ba4b-00a0c93ec93", "g12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        "+12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    ])
    func whatIsNoGUIDIsNone(text: String) { #expect(GUID(text) == nil) }
}

@Suite struct InstalledLayoutTests {
    @Test func partitionsStandSideBySideAndFillTheDisk() throws {
        let layout = try InstalledLayout(disk: 16_106_127_360, esp: 256 << 20, image: 300 << 20)
        #expect(layout.partitions.map(\.lowerBound).allSatisfy { $0 % (1 << 20) == 0 })
        #expect(zip(layout.partitions, layout.partitions.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(layout.slot(.a).count == 2 << 30)
        #expect(16_106_127_360 - layout.state.upperBound < 3 << 20)
    }

    @Test func aLargeImageGetsThreeTimesItsSize() throws {
        #expect(try InstalledLayout(disk: 64 << 30, esp: 256 << 20, image: 1 << 30).slot(.b).count == 3 << 30)
        #expect(
            try InstalledLayout(disk: 64 << 30, esp: 256 << 20, image: 1 << 30, slot: 1200 << 20).slot(.b).count == 1200
                << 20
        )
    }

    @Test func whatDoesNotFitSaysHowMuchIsMissing() {
        #expect {
            try InstalledLayout(disk: 4 << 30, esp: 256 << 20, image: 1)
        } throws: { "\($0)" == "it has 4096 MiB, and 4419 are needed" }
        #expect {
            try InstalledLayout(disk: 64 << 30, esp: 256 << 20, image: 1 << 30, slot: 1 << 30)
        } throws: { "\($0)" == "its slots would be 1024 MiB, and the image needs 1104" }
    }
}
