import BlockDevices
import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

/// Labels of file systems that the real tools made.
@Suite struct SuperblockTests {
    private static func make(_ file: String, megabytes: Int, _ command: [String]) async throws -> [UInt8] {
        let path = FilePath("/tmp/muster-superblock-\(getpid())-\(file)")
        defer { unlink(path.string) }
        let image = try FileDescriptor.open(
            path,
            .readWrite,
            options: [.create, .truncate],
            permissions: [.ownerReadWrite]
        )
        defer { try? image.close() }
        try #require(ftruncate(image.rawValue, megabytes << 20) == 0)
        let result = try await run(
            .name(command[0]),
            arguments: Arguments(command.dropFirst() + [path.string]),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(result.terminationStatus.isSuccess, "\(command): \(result.standardError)")
        return try [UInt8](unsafeUninitializedCapacity: Superblock.bytesNeeded) { buffer, count in
            count = try image.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    @Test(arguments: [
        ("fat16", 32, ["mkfs.fat", "-F", "16", "-n", "NODE_E4ED3"], Superblock.FileSystem.vfat, "NODE_E4ED3"),
        ("fat32", 64, ["mkfs.fat", "-F", "32", "-n", "NODE_DEBIAN"], .vfat, "NODE_DEBIAN"),
        ("ext4", 16, ["mkfs.ext4", "-q", "-L", "MUSTER-STATE"], .ext4, "MUSTER-STATE"),
    ])
    func labels(
        file: String,
        megabytes: Int,
        command: [String],
        fileSystem: Superblock.FileSystem,
        label: String
    ) async throws {
        let bytes = try await Self.make(file, megabytes: megabytes, command)
        #expect(Superblock(bytes) == Superblock(fileSystem: fileSystem, label: label))
    }

    @Test("an ISO 9660 volume id, also behind a boot sector")
    func iso() {
        var bytes = [UInt8](repeating: 0, count: Superblock.bytesNeeded)
        bytes.replaceSubrange(510..<512, with: [0x55, 0xAA])
        let volumeID = "NODE_DEBIAN_E4ED3B9A" + String(repeating: " ", count: 12)
        bytes.replaceSubrange(32_768..<32_774, with: Array("\u{1}CD001".utf8))
        bytes.replaceSubrange(32_808..<32_840, with: Array(volumeID.utf8))
        #expect(Superblock(bytes) == Superblock(fileSystem: .iso9660, label: "NODE_DEBIAN_E4ED3B9A"))
        for length in [0, 1, 511, 512, 2048, 32_773, 32_839] {
            #expect(Superblock(Array(bytes.prefix(length)))?.fileSystem != .iso9660)
        }
    }

    @Test("random bytes and every strict prefix of a head are no file system, and never a trap")
    func garbage() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let count = Int.random(in: 0...Superblock.bytesNeeded, using: &generator)
            _ = Superblock((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }
        #expect(Superblock([UInt8](repeating: 0, count: Superblock.bytesNeeded)) == nil)
    }

    @Test("the line of the device mapper's verity target")
    func table() throws {
        let root = try #require(Nonce(hex: String(repeating: "ab", count: 32)))
        let salt = try #require(Nonce(hex: String(repeating: "0f", count: 32)))
        let table = VerityTable(RootVerity(rootHash: root, salt: salt, dataSize: 409_600), device: "/dev/loop0")
        #expect(table.sectors == 800)
        #expect(table.parameters == "1 /dev/loop0 /dev/loop0 4096 4096 100 100 sha256 \(root) \(salt)")
    }
}
