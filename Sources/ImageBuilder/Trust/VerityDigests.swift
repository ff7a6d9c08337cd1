import Crypto
import HostModel
import SystemPackage

/// The dm-verity hash tree of a file (kernel, Documentation/admin-guide/device-mapper/verity.rst): SHA-256 with the salt
/// first, blocks of 4096 bytes, the topmost level first, no superblock. Knows no file: data goes in block by block.
struct VerityDigests {
    private static let block = Int(RootVerity.blockSize)
    /// Digests of the blocks so far, one level of the tree.
    private var digests: [UInt8] = []
    private let salt: [UInt8]

    init(salt: Nonce) { self.salt = salt.bytes }

    /// Adds the next data; its size must be a multiple of the block size.
    mutating func add(_ data: UnsafeRawBufferPointer) {
        for start in stride(from: 0, to: data.count, by: Self.block) {
            let block = UnsafeRawBufferPointer(rebasing: data[start..<min(start + Self.block, data.count)])
            digests.append(contentsOf: Self.digest(salt, block))
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
                    Self.digest(salt, UnsafeRawBufferPointer(rebasing: bytes[start..<start + Self.block]))
                }
            }
        }
        return Nonce(bytes: below).map { (tree: levels.reversed().flatMap(\.self), rootHash: $0) }
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        let over = bytes.count % block
        return over == 0 ? bytes : bytes + [UInt8](repeating: 0, count: block - over)
    }

    private static func digest(_ salt: [UInt8], _ block: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: salt)
        hash.update(bufferPointer: block)
        return Array(hash.finalize())
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
        var tree = VerityDigests(salt: salt)
        let piece: Int64 = 1 << 20
        for offset in stride(from: 0, to: dataSize, by: Int64.Stride(piece)) {
            let bytes = try source.bytes(at: offset, count: Int(min(piece, dataSize - offset)))
            bytes.withUnsafeBytes { tree.add($0) }
        }
        guard let (stored, root) = tree.finish() else { return "it has no data" }
        guard root == rootHash else { return "its data have another root hash than the manifest says" }
        guard try source.bytes(at: dataSize, count: stored.count) == stored else {
            return "its hash tree does not fit its data"
        }
        return nil
    }
}
