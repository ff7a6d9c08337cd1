import BlockDevices
import Glibc
import Subprocess
import SystemPackage
import Testing

/// What is on a disk, as the real tools write it, and for those that need a kernel of their own by the bytes of the format.
@Suite struct DiskSignatureTests {
    private static let size: Int64 = 320 << 20

    private static func names(_ file: FileDescriptor, size: Int64) -> [String] {
        DiskSignature.names(size: size) { offset, count in
            (try? [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = try file.read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
            }) ?? []
        }
    }

    private static func withFile<Result>(_ name: String, _ body: (FileDescriptor, FilePath) async throws -> Result)
        async throws -> Result
    {
        let path = FilePath("/tmp/muster-signature-\(getpid())-\(name)")
        defer { unlink(path.string) }
        let file = try FileDescriptor.open(
            path,
            .readWrite,
            options: [.create, .truncate],
            permissions: [.ownerReadWrite]
        )
        defer { try? file.close() }
        try file.resize(to: size)
        return try await body(file, path)
    }

    @Test(
        "F25: what the real tools made is recognised",
        arguments: [
            ("xfs", ["mkfs.xfs", "-q"], "xfs"),
            ("btrfs", ["mkfs.btrfs", "-q"], "btrfs"),
            ("ntfs", ["mkntfs", "-q", "-F", "-f"], "ntfs"),
            ("swap", ["mkswap"], "swap"),
            (
                "luks1",
                [
                    "cryptsetup", "luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000",
                    "--key-file", "/etc/hostname",
                ], "LUKS"
            ),
            (
                "luks2",
                [
                    "cryptsetup", "luksFormat", "-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                    "--key-file", "/etc/hostname",
                ], "LUKS"
            ),
            ("ext4", ["mkfs.ext4", "-q", "-L", "DATA"], "ext4 DATA"),
            ("fat", ["mkfs.fat", "-n", "DATA"], "vfat DATA"),
        ]
    )
    func realTools(name: String, command: [String], expected: String) async throws {
        try await Self.withFile(name) { file, path in
            #expect(Self.names(file, size: Self.size) == [])
            let result = try await run(
                .name(command[0]),
                arguments: Arguments(command.dropFirst() + [path.string]),
                output: .discarded,
                error: .string(limit: 1 << 16)
            )
            try #require(result.terminationStatus.isSuccess, "\(command): \(result.standardError)")
            #expect(Self.names(file, size: Self.size) == [expected])
        }
    }

    private static let md: [UInt8] = [0xFC, 0x4E, 0x2B, 0xA9]

    /// Places by md(4), zfs(4) and the vendors' formats. Sizes that are no round number, because places from the end count.
    @Test(
        "F25: RAID members, ZFS labels and others by their bytes",
        arguments: [
            ("LVM physical volume", 512, Array("LABELONE".utf8)),
            ("RAID member (md)", 0, md), ("RAID member (md)", 4096, md),
            ("RAID member (md)", ((320 << 11) - 16) / 8 * 8 * 512, md),
            ("RAID member (md)", (320 << 20) - 65536, md),
            ("ZFS member", 128 << 10, [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0]),
            ("ZFS member", (384 << 10) + 7 * 1024, [0, 0, 0, 0, 0, 0xBA, 0xB1, 0x0C]),
            ("ZFS member", (320 << 20) - (128 << 10), [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0]),
            ("RAID member (Intel)", (320 << 20) - 1024, Array("Intel Raid ISM Cfg Sig. 1.3.00".utf8)),
            ("RAID member (DDF)", (320 << 20) - 512, [0xDE, 0x11, 0xDE, 0x11]),
            ("Ceph OSD", 0, Array("bluestore block device\n".utf8)),
            ("VMFS", 1 << 20, [0x0D, 0xD0, 0x01, 0xC0]),
        ] as [(String, Int64, [UInt8])]
    )
    func bytes(expected: String, offset: Int64, magic: [UInt8]) async throws {
        try await Self.withFile("bytes-\(offset)-\(magic.count)") { file, _ in
            try file.writeAll(toAbsoluteOffset: offset, magic)
            #expect(Self.names(file, size: Self.size) == [expected])
            // One bit less is nothing that is known.
            try file.writeAll(toAbsoluteOffset: offset, [magic[0] ^ 1])
            #expect(Self.names(file, size: Self.size) == [])
        }
    }

    @Test func everySizeIsTaken() {
        for size: Int64 in [0, 1, 511, 512, 513, 4096, 65535, 65536, 65537, 1 << 20] {
            #expect(DiskSignature.names(size: size) { _, count in [UInt8](repeating: 0xA5, count: count) } == [])
            // A device that cannot be read.
            #expect(DiskSignature.names(size: size) { _, _ in [] } == [])
        }
    }
}
