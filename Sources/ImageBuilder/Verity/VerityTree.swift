import Crypto
import Glibc
package import HostModel
package import SystemPackage

/// The dm-verity hash tree of a root image: format 1 of the kernel's verity target, SHA-256 over salt and block, blocks of
/// 4096 bytes, no superblock (Documentation/admin-guide/device-mapper/verity.rst; `veritysetup --no-superblock` reads it).
///
/// The topmost level comes first, the level above the data last. The same data and salt give the same bytes. Data go in
/// piece by piece; what is kept is the tree, a 127th of them.
package struct VerityTree {
    private static let block = Int(RootVerity.blockSize)
    /// How much of a file is in memory at a time, in bytes.
    private static let piece = 1 << 20
    /// Digests of the blocks so far, one level of the tree.
    private var digests: [UInt8] = []
    /// A hash that has taken the salt in already.
    private let salted: SHA256

    init(salt: Nonce) {
        var salted = SHA256()
        salted.update(data: salt.bytes)
        self.salted = salted
    }

    /// Adds the next data: whole blocks.
    mutating func add(_ data: UnsafeRawBufferPointer) {
        for start in stride(from: 0, to: data.count, by: Self.block) {
            let block = UnsafeRawBufferPointer(rebasing: data[start..<min(start + Self.block, data.count)])
            digests.append(contentsOf: digest(block))
        }
    }

    /// The tree as it stands behind the data, and its root hash; `nil` when nothing was added.
    func finish() -> (tree: [UInt8], rootHash: Nonce)? {
        var levels: [[UInt8]] = []
        var below = digests
        while below.count > Int(RootVerity.digestSize) {
            let level = Self.padded(below)
            levels.append(level)
            below = level.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: Self.block).flatMap { start in
                    digest(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Self.block]))
                }
            }
        }
        return Nonce(bytes: below).map { (tree: levels.reversed().flatMap(\.self), rootHash: $0) }
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        let over = bytes.count % block
        return over == 0 ? bytes : bytes + [UInt8](repeating: 0, count: block - over)
    }

    private func digest(_ block: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = salted
        hash.update(bufferPointer: block)
        return Array(hash.finalize())
    }
}

extension VerityTree {
    /// Fills the file up to a whole block and appends the tree of everything in it; the file is on the disk when it
    /// returns.
    ///
    /// - Throws: `BuildError` when the file is empty, cannot be read or written, or the disk is full; the file then has its
    ///   old bytes with a part of the tree behind them, and is to be thrown away.
    package static func append(to path: FilePath, salt: Nonce) throws(BuildError) -> RootVerity {
        do {
            let end = try fileSize(path)
            guard end > 0 else {
                throw BuildError(.result, "the root image \(path) is empty", remedy: "see what mksquashfs printed")
            }
            let dataSize = roundedUp(end, to: RootVerity.blockSize)
            let padding = [UInt8](repeating: 0, count: Int(dataSize - end))
            var tree = VerityTree(salt: salt)
            try tree.add(ByteSource(path), upTo: end, padding)
            guard let (bytes, rootHash) = tree.finish() else { throw Errno.invalidArgument }
            let file = try FileDescriptor.open(path, .writeOnly, options: [.append, .closeOnExec])
            defer { try? file.close() }
            _ = try file.writeAll(padding + bytes)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            return RootVerity(rootHash: rootHash, salt: salt, dataSize: dataSize)
        } catch {
            throw BuildError(error, doing: "append the dm-verity tree to \(path)")
        }
    }

    /// Adds the first `size` bytes of a file, and `padding`, which makes whole blocks of them.
    fileprivate mutating func add(_ source: ByteSource, upTo size: Int64, _ padding: [UInt8] = []) throws {
        for offset in stride(from: 0, to: size, by: Self.piece) {
            try Task.checkCancellation()
            let count = min(Int64(Self.piece), size - offset)
            let isLast = offset + count == size
            try (source.bytes(at: offset, count: Int(count)) + (isLast ? padding : [])).withUnsafeBytes { add($0) }
        }
    }
}

extension RootVerity {
    /// Why a file is not the data and the tree that this names; `nil` when it is. Reads all of it.
    func complaint(about file: FilePath) throws -> String? {
        guard let size = fileSize else { return "its size of data is no multiple of \(Self.blockSize)" }
        guard try ImageBuilder.fileSize(file) == size else {
            return "it is not as large as data and hash tree together"
        }
        let source = try ByteSource(file)
        var tree = VerityTree(salt: salt)
        try tree.add(source, upTo: dataSize)
        guard let (stored, root) = tree.finish() else { return "it has no data" }
        guard root == rootHash else { return "its data have another root hash than the manifest says" }
        guard try source.bytes(at: dataSize, count: stored.count) == stored else {
            return "its hash tree does not fit its data"
        }
        return nil
    }
}
