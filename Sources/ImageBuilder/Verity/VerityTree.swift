import Crypto
import Glibc
package import HostModel
package import SystemPackage

/// The dm-verity hash tree of a root image: format 1 of the kernel's verity target, SHA-256 over salt and block, blocks of
/// 4096 bytes, no superblock (Documentation/admin-guide/device-mapper/verity.rst; `veritysetup --no-superblock` reads it).
///
/// The topmost level comes first in the file, the level above the data last. The same data and salt give the same bytes.
package struct VerityTree {
    private static let blockSize = Int(RootVerity.blockSize)
    private static let digestsPerBlock = Int(RootVerity.blockSize / RootVerity.digestSize)
    /// Hash blocks whose input is read at one time: 16 of them cover 8 MiB.
    private static let hashBlocksAtOnce = 16

    private let file: FileDescriptor
    private let salt: Nonce
    private let prefix: SHA256

    private init(file: FileDescriptor, salt: Nonce) {
        (self.file, self.salt) = (file, salt)
        var prefix = SHA256()
        prefix.update(data: salt.bytes)
        self.prefix = prefix
    }

    /// Fills the file up to a whole block and appends the tree of everything in it; the file is on the disk when it
    /// returns. Memory stays below 10 MiB whatever the file's size.
    ///
    /// - Throws: `BuildError` when the file is empty, cannot be read or written, or the disk is full; the file then has its
    ///   old bytes with a part of the tree behind them, and is to be thrown away.
    package static func append(to path: FilePath, salt: Nonce) throws(BuildError) -> RootVerity {
        do {
            let file = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
            defer { try? file.close() }
            return try VerityTree(file: file, salt: salt).append(path)
        } catch {
            throw BuildError(error, doing: "append the dm-verity tree to \(path)")
        }
    }

    private func append(_ path: FilePath) throws -> RootVerity {
        let end = try file.seek(offset: 0, from: .end)
        guard end > 0 else {
            throw BuildError(.result, "the root image \(path) is empty", remedy: "see what mksquashfs printed")
        }
        let dataSize = (end + RootVerity.blockSize - 1) / RootVerity.blockSize * RootVerity.blockSize
        if dataSize > end { try write([UInt8](repeating: 0, count: Int(dataSize - end)), at: end) }
        let rootHash = try appendLevels(over: dataSize)
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        return RootVerity(rootHash: rootHash, salt: salt, dataSize: dataSize)
    }

    private func appendLevels(over dataSize: Int64) throws -> Nonce {
        let levels = RootVerity.levels(dataBlocks: dataSize / RootVerity.blockSize)
        // Where each level begins: the topmost directly behind the data.
        var starts = levels
        var position = dataSize
        for index in levels.indices.reversed() {
            starts[index] = position
            position += levels[index] * RootVerity.blockSize
        }
        var below: (start: Int64, blocks: Int64) = (0, dataSize / RootVerity.blockSize)
        for (start, blocks) in zip(starts, levels) {
            try writeLevel(at: start, over: below)
            below = (start, blocks)
        }
        let top = try read(at: below.start, count: Self.blockSize)
        guard let rootHash = Nonce(bytes: top.withUnsafeBytes(digest)) else { throw Errno.invalidArgument }
        return rootHash
    }

    private func writeLevel(at start: Int64, over below: (start: Int64, blocks: Int64)) throws {
        let blocksAtOnce = Int64(Self.hashBlocksAtOnce * Self.digestsPerBlock)
        var done: Int64 = 0
        while done < below.blocks {
            try Task.checkCancellation()
            let count = min(blocksAtOnce, below.blocks - done)
            let input = try read(at: below.start + done * RootVerity.blockSize, count: Int(count) * Self.blockSize)
            var output = digests(of: input)
            let rest = output.count % Self.blockSize
            if rest > 0 { output += [UInt8](repeating: 0, count: Self.blockSize - rest) }
            try write(output, at: start + done * RootVerity.digestSize)
            done += count
        }
    }

    private func digests(of blocks: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(blocks.count / Self.digestsPerBlock)
        blocks.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: Self.blockSize) {
                output += digest(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Self.blockSize]))
            }
        }
        return output
    }

    private func digest(_ block: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = prefix
        hash.update(bufferPointer: block)
        return Array(hash.finalize())
    }

    private func read(at offset: Int64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let room = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count]
                )
                let read = try file.read(fromAbsoluteOffset: offset + Int64(filled), into: room)
                guard read > 0 else { throw Errno.ioError }
                filled += read
            }
        }
    }

    private func write(_ bytes: [UInt8], at offset: Int64) throws {
        _ = try file.writeAll(toAbsoluteOffset: offset, bytes)
    }
}
