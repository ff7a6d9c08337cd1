/// The dm-verity hash tree behind a root image, as the manifest names it: SHA-256, data and hash blocks of 4096 bytes, no
/// superblock, the tree begins where the data ends (kernel, Documentation/admin-guide/device-mapper/verity.rst).
package struct RootVerity: Hashable, Sendable, Codable {
    /// The digest over the topmost block of the tree: who knows it knows every byte of the data.
    package var rootHash: Nonce
    package var salt: Nonce
    /// Bytes of the data; a multiple of `blockSize`. The tree begins here.
    package var dataSize: Int64

    /// Bytes of a block, of the data and of the tree.
    package static let blockSize: Int64 = 4096
    /// Bytes of a digest.
    package static let digestSize: Int64 = 32

    package init(rootHash: Nonce, salt: Nonce, dataSize: Int64) {
        (self.rootHash, self.salt, self.dataSize) = (rootHash, salt, dataSize)
    }

    /// Blocks of each level of the tree over so many data blocks, the level above the data first, the single topmost
    /// block last; empty over a single data block, whose own digest is the root.
    package static func levels(dataBlocks: Int64) -> [Int64] {
        let perBlock = blockSize / digestSize
        var levels: [Int64] = []
        var below = dataBlocks
        while below > 1 {
            below = (below + perBlock - 1) / perBlock
            levels.append(below)
        }
        return levels
    }

    /// Bytes of data and tree together; `nil` when the size of the data cannot be one.
    package var fileSize: Int64? {
        guard dataSize > 0, dataSize % Self.blockSize == 0, dataSize <= 1 << 40 else { return nil }
        let blocks = dataSize / Self.blockSize
        return dataSize + Self.levels(dataBlocks: blocks).reduce(0, +) * Self.blockSize
    }
}
