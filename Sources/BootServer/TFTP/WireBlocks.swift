import BootWire
import CSockets
import Glibc
import NIOCore

/// A stretch of a transfer's blocks as they go over the wire, one behind the other: `0 3 number payload`, so that many of
/// them leave by one system call, and the file is read to where it is sent from.
struct WireBlocks: Sendable {
    /// What became of a read.
    enum Loading: Hashable, Sendable {
        case loaded
        /// Not in memory: a disk would have to be waited for.
        case wouldWait
        /// The file became shorter, or cannot be read.
        case failed
    }

    private static let headerSize = 4
    /// Bytes that are read at once, so that lockstep does not read for each block.
    private static let readAhead = 64 << 10
    /// Blocks that are read at once; preadv(2) takes 1024.
    private static let blocksMax = 512

    private let capacity: Int
    private var held: Range<UInt64> = 1..<1
    private var length = 0
    private var bytes: [UInt8]

    /// Bytes between the beginnings of two blocks.
    let stride: Int

    init(for transfer: TFTPReadTransfer) {
        stride = transfer.terms.blockSize + Self.headerSize
        let wanted = max(transfer.terms.windowSize, min(Self.readAhead / stride, Self.blocksMax))
        let capacity = Int(min(UInt64(wanted), transfer.lastIndex))
        let room = capacity * stride
        self.capacity = capacity
        bytes = [UInt8](unsafeUninitializedCapacity: room) { $1 = room }
    }

    func holds(_ blocks: ClosedRange<UInt64>) -> Bool {
        blocks.lowerBound >= held.lowerBound && blocks.upperBound < held.upperBound
    }

    /// The datagrams of blocks that are held; each but the last one of all is `stride` bytes long.
    func withDatagrams(_ blocks: ClosedRange<UInt64>, _ body: (UnsafeRawBufferPointer) -> Void) {
        let start = Int(blocks.lowerBound - held.lowerBound) * stride
        let end = blocks.upperBound + 1 == held.upperBound ? length : start + blocks.count * stride
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }

    /// Takes the place of what was held: as many blocks as there is room for.
    mutating func load(
        from first: UInt64,
        of transfer: TFTPReadTransfer,
        _ content: TFTPContent,
        mayWait: Bool
    ) -> Loading {
        let end = min(first + UInt64(capacity), transfer.lastIndex + 1)
        held = 1..<1
        let loading = bytes.withUnsafeMutableBytes { [stride] space in
            for index in first..<end { Self.writeHeader(index, space, at: Int(index - first) * stride) }
            return Self.read(first..<end, of: transfer, content, into: space, stride: stride, mayWait: mayWait)
        }
        guard loading == .loaded else { return loading }
        length = Int(end - 1 - first) * stride + Self.headerSize + transfer.block(end - 1).length
        held = first..<end
        return .loaded
    }

    private static func writeHeader(_ index: UInt64, _ space: UnsafeMutableRawBufferPointer, at offset: Int) {
        let number = UInt16(truncatingIfNeeded: index)
        (space[offset], space[offset + 1]) = (0, 3)
        (space[offset + 2], space[offset + 3]) = (UInt8(number >> 8), UInt8(truncatingIfNeeded: number))
    }

    private static func read(
        _ blocks: Range<UInt64>,
        of transfer: TFTPReadTransfer,
        _ content: TFTPContent,
        into space: UnsafeMutableRawBufferPointer,
        stride: Int,
        mayWait: Bool
    ) -> Loading {
        let last = transfer.block(blocks.upperBound - 1)
        let offset = transfer.block(blocks.lowerBound).offset
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: blocks.count) { parts in
            for (place, index) in blocks.enumerated() {
                let length = index == last.index ? last.length : transfer.terms.blockSize
                let start = space.baseAddress?.advanced(by: place * stride + headerSize)
                parts.initializeElement(at: place, to: iovec(iov_base: start, iov_len: length))
            }
            let count = Int(last.offset - offset) + last.length
            guard count > 0 else { return .loaded }
            return content.read(UnsafeBufferPointer(parts), at: offset, count: count, mayWait: mayWait)
        }
    }
}
