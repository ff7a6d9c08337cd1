import Archive
import SystemPackage

/// One member of an initramfs: cpio archives, each compressed by a zstd of its own on one processor, one after the other.
/// The bytes depend on trees, level, epoch and zstd's version, and not on how many processors there are.
struct InitramfsMember {
    /// 64 MiB: modules that lie far apart are alike. The kernel takes up to 128 (lib/decompress_unzstd.c), and needs no more
    /// memory for it than the archive is long.
    private static let windowLog = 26
    /// From this level on zstd looks for matches of three bytes, as machine code has them. Its own levels do from 18 on, where
    /// they take half as long again for the same result.
    private static let shortMatchesFrom = 16

    /// 1 to 19.
    var level: Int
    var epoch: Int64

    func write(_ trees: [FileTree], to path: FilePath) async throws {
        let parts = trees.indices.map { FilePath("\(path).part\($0)") }
        defer { parts.forEach(remove) }
        try await withThrowingTaskGroup { group in
            for (tree, part) in zip(trees, parts) { group.addTask { try await compress(tree, to: part) } }
            try await group.waitForAll()
        }
        try concatenate(parts, to: path)
    }

    private func compress(_ tree: FileTree, to path: FilePath) async throws {
        let plain = FilePath("\(path).cpio")
        defer { remove(plain) }
        var writer = try CpioWriter.create(at: plain, compression: .none, epoch: epoch)
        try writer.append(tree)
        try writer.finish()
        let matches = level < Self.shortMatchesFrom ? "" : ",minMatch=3"
        _ = try await Tool.zstd.run([
            "-\(level)", "--zstd=windowLog=\(Self.windowLog)\(matches)", "--single-thread", "--no-check", "--quiet",
            "--force", "-o", path.string, "--", plain.string,
        ])
    }
}
