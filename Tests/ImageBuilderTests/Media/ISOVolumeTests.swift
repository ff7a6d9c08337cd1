import Archive
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct ISOVolumeTests {
    /// What libarchive writes for a medium: metadata and small files.
    private static func base() throws -> [UInt8] {
        let scratch = try Scratch("volume")
        var tree = FileTree()
        let boot = try #require(TreePath("boot.img"))
        try tree.add(.file(.bytes([UInt8](repeating: 1, count: 4096)), mode: 0o644), at: boot)
        for name in ["a/empty", "a/name-that-is-too-long-for-8.3-\(String(repeating: "x", count: 200))", "b/c/d"] {
            try tree.add(.file(.bytes([]), mode: 0o644), at: try #require(TreePath(name)))
        }
        var writer = try ISOWriter.create(
            at: scratch.file("base"),
            identity: .init(volume: "V", application: "A"),
            boot: .init(image: boot, catalogue: try #require(TreePath("boot.cat"))),
            epoch: 1
        )
        try writer.append(tree)
        try writer.finish()
        return try scratch.bytes("base")
    }

    private static func use(_ bytes: [UInt8]) throws -> Int {
        var volume = try ISOVolume(bytes)
        try volume.setDates(ISODate(seconds: 0))
        try volume.setGRUBBootInformation()
        try volume.place(try #require(TreePath("a/empty")), at: .init(block: 9, size: 9))
        return try volume.records().count
    }

    @Test func everyRecordIsFound() throws {
        let paths = try ISOVolume(Self.base()).records().map(\.path)
        let long = "a/name-that-is-too-long-for-8.3-\(String(repeating: "x", count: 200))"
        #expect(Set(paths).isSuperset(of: ["boot.img", "boot.cat", "a", "a/empty", long, "b/c/d"]))
    }

    @Test func everyDateIsSet() throws {
        var (one, other) = (try ISOVolume(Self.base()), try ISOVolume(Self.base()))
        try one.setDates(ISODate(seconds: 86_400))
        try other.setDates(ISODate(seconds: 86_400))
        #expect(one.bytes == other.bytes)
        #expect(!one.bytes.contains("libarchive"), "its note has the time")
    }

    @Test func aStrictPrefixIsAnErrorOrShort() throws {
        let whole = try Self.base()
        let records = try Self.use(whole)
        // The contents of the boot image are at the end; all before it is metadata.
        for length in stride(from: 0, to: whole.count - 4096, by: 64) {
            #expect((try? Self.use(Array(whole[..<length]))) ?? 0 < records, "\(length) bytes read as whole")
        }
    }

    /// Every byte of the metadata that says something; blanks and zeros are padding, of which some are tried.
    @Test func aFlippedByteDoesNotCrash() throws {
        var bytes = try Self.base()
        for index in (16 * ISOVolume.sector)..<(bytes.count - 4096)
        where ![0, 32].contains(bytes[index]) || index % 64 == 0 {
            bytes[index] ^= 0xFF
            _ = try? Self.use(bytes)
            bytes[index] ^= 0xFF
        }
    }

    @Test func aFileThatIsNotThereOrNotEmptyTakesNoContent() throws {
        var volume = try ISOVolume(Self.base())
        for path in ["no", "boot.img", "a"] {
            #expect(throws: BuildError.self) {
                try volume.place(try #require(TreePath(path)), at: .init(block: 9, size: 9))
            }
        }
        #expect(throws: BuildError.self, "no room for so many records") {
            try volume.place(try #require(TreePath("a/empty")), at: .init(block: 9, size: 80 << 32))
        }
        #expect(throws: BuildError.self, "8 TiB") { try volume.setSize(1 << 32) }
    }
}

@Suite struct BootSectorTests {
    @Test("CRC-32 of the usual sample") func checksum() { #expect(crc32("123456789".utf8) == 0xCBF4_3926) }

    @Test(arguments: [
        (0, "1970010100000000"), (951_782_400, "2000022900000000"), (1_700_000_000, "2023111422132000"),
        (4_107_542_399, "2100022823595900"), (4_294_967_295, "2106020706281500"),
    ])
    func dates(seconds: Int64, digits: String) {
        #expect(ISODate(seconds: seconds).long == Array(digits.utf8) + [0])
    }

    @Test func identifiersAreWrittenAsUsual() {
        #expect(GUID.efiSystem.description == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
        #expect(GUID.basicData.description == "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
    }

    @Test func partitionsThatOverlapOrDoNotFitAreErrors() throws {
        func table(_ ranges: [Range<Int64>]) throws {
            let partitions = ranges.map {
                PartitionTable.Partition(type: .linuxData, id: .linuxData, name: "p", sectors: $0)
            }
            _ = try PartitionTable(disk: .linuxData, partitions: partitions, sectors: 1000)
        }
        try table([34..<100, 100..<967])
        for bad in [[33..<40], [34..<100, 99..<120], [34..<968], [40..<40]] as [[Range<Int64>]] {
            #expect(throws: PartitionTable.Refusal.self) { try table(bad) }
        }
    }

    @Test("case 37: a catalogue is taken only if its sum is zero and its entry is one of no emulation")
    func catalogue() throws {
        var bytes = [UInt8](repeating: 0, count: 2048)
        bytes[0] = 1
        bytes.replace(at: 30, with: [0x55, 0xAA])
        bytes[32] = 0x88
        let sum = stride(from: 0, to: 32, by: 2).reduce(UInt16(0)) { $0 &+ (bytes.field(UInt16.self, at: $1) ?? 0) }
        bytes.put(0 &- sum, at: 28)
        var good = try #require(ElToritoCatalogue(bytes))
        good.addEFI(image: 77, sectors: 65_535)
        #expect(good.bytes[64..<68].elementsEqual([0x91, 0xEF, 1, 0]))
        #expect(good.bytes.field(UInt16.self, at: 102) == 65_535)
        good.addEFI(image: 77, sectors: 65_536)
        #expect(good.bytes.field(UInt16.self, at: 102) == 0)
        #expect(ElToritoCatalogue(good.bytes) != nil, "reading it again")
        for index in 0..<34 where index < 4 || index >= 28 {
            var bad = bytes
            bad[index] ^= 0x11
            #expect(ElToritoCatalogue(bad) == nil, "byte \(index)")
        }
        for length in [0, 1, 64, 2047] { #expect(ElToritoCatalogue(Array(bytes.prefix(length))) == nil) }
    }

    @Test func sizesOfFAT() {
        #expect(FATGeometry(files: []).size == 8 << 20)
        #expect(FATGeometry(files: []).bits == 16)
        #expect(FATGeometry(files: [29 << 20]).bits == 32)
        #expect(FATGeometry(files: [], atLeast: 33 << 20).sectorsPerCluster == 1)
        #expect(FATGeometry(files: [1 << 30]).sectorsPerCluster == 8)
        for mebibytes in stride(from: Int64(1), to: 2000, by: 7) {
            let geometry = FATGeometry(files: [mebibytes << 20])
            let clusters = geometry.size / Int64(geometry.sectorsPerCluster * 512)
            #expect(geometry.bits == 16 ? clusters < 65_525 : clusters > 66_500)
            #expect(geometry.size > mebibytes << 20)
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool { self.firstRange(of: Array(text.utf8)) != nil }
}
