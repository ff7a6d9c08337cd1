import HostModel
import SystemPackage

/// The size and shape of a FAT file system for given contents.
struct FATGeometry: Hashable, Sendable {
    /// 16 or 32 bits for a cluster's number.
    let bits: Int
    let sectorsPerCluster: Int
    /// Bytes, whole mebibytes.
    let size: Int64

    /// FAT32 keeps a file's length in 32 bits.
    static let largestFile: Int64 = 0xFFFF_FFFF
    static let mebibyte: Int64 = 1 << 20
    private static let smallest = 8 * mebibyte
    /// FAT16 with clusters of one sector has fewer than 65,525 of them up to here.
    private static let largestFAT16 = 30 * mebibyte
    /// Where FAT32 has its 65,525 clusters at least; firmware takes one with fewer for FAT16.
    private static let smallestFAT32 = 33 * mebibyte
    private static let fewestClusters: Int64 = 67_573
    /// Directories and the two tables, beside a 128th for the tables of a large one.
    private static let slack = 2 * mebibyte

    /// `files` are lengths in bytes; `atLeast` makes the volume larger than they need.
    init(files: [Int64], atLeast: Int64 = 0) {
        // 4 KiB is the largest cluster made here.
        let contents = files.reduce(0) { $0 + roundedUp($1, to: 4096) }
        let wanted = max(Self.smallest, atLeast, roundedUp(contents + contents / 64 + Self.slack, to: Self.mebibyte))
        if wanted <= Self.largestFAT16 {
            (bits, sectorsPerCluster, size) = (16, 1, roundedUp(wanted, to: Self.mebibyte))
        } else {
            let size = roundedUp(max(wanted, Self.smallestFAT32), to: Self.mebibyte)
            let clusters = [8, 4, 2].first { size / Int64($0 * 512) >= Self.fewestClusters + 1024 }
            (bits, sectorsPerCluster, self.size) = (32, clusters ?? 1, size)
        }
    }
}

/// A FAT file system inside an image file, made by mkfs.fat and filled by mtools: nothing is mounted.
struct FATVolume {
    var file: FilePath
    /// Bytes from the start of `file`.
    var offset: Int64
    var geometry: FATGeometry
    /// At most 11 characters.
    var label: String
    var serial: UInt32
    /// Of every entry, in seconds since 1970; FAT begins in 1980.
    var epoch: Int64

    private static let firstDate: Int64 = 315_532_800

    /// One file: its path in the volume, `/` first, and where it is copied from.
    struct Item {
        var path: String
        var source: FilePath
    }

    /// Formats and fills it. A file that FAT cannot hold is an error before anything is written.
    func write(_ items: [Item]) async throws {
        for item in items where try fileSize(item.source) > FATGeometry.largestFile {
            throw BuildError(
                .result,
                "\(item.path) is 4 GiB or larger, which a FAT file system cannot hold",
                remedy: "make the root image smaller, or leave out the output \"disk\" and use the ISO on the stick"
            )
        }
        _ = try await Tool.makeFAT.run([
            "--invariant", "-F", String(geometry.bits), "-s", String(geometry.sectorsPerCluster), "-S", "512",
            "-i", Self.hexadecimal(serial), "-n", label, "-h", String(offset / 512), "--offset=\(offset / 512)",
            file.string, String(geometry.size / 1024),
        ])
        try await run(.makeDirectories, directories(of: items))
        for item in items { try await run(.copyFiles, [item.source.string, "::" + item.path]) }
    }

    /// As GRUB and blkid write a FAT's serial number.
    static func identifier(_ serial: UInt32) -> String {
        let digits = hexadecimal(serial).uppercased()
        return "\(digits.prefix(4))-\(digits.suffix(4))"
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func directories(of items: [Item]) -> [String] {
        var seen: [String] = []
        for item in items {
            var path = ""
            for component in item.path.split(separator: "/").dropLast() {
                path += "/\(component)"
                if !seen.contains("::" + path) { seen.append("::" + path) }
            }
        }
        return seen
    }

    private func run(_ tool: Tool, _ arguments: [String]) async throws {
        _ = try await tool.run(
            ["-i", "\(file)@@\(offset)"] + arguments,
            environment: [
                "SOURCE_DATE_EPOCH": String(max(epoch, Self.firstDate)), "MTOOLSRC": "/dev/null",
            ]
        )
    }
}
