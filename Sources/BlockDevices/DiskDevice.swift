import Glibc
package import HostModel
package import SystemPackage

/// An open disk, or a file in the place of one: bytes at offsets, whole or an error.
package final class DiskDevice: Sendable {
    package let path: FilePath
    /// Bytes.
    package let size: Int64
    /// Bytes of a sector, as the disk says; 512 for a file.
    package let sector: Int64
    package let file: FileDescriptor

    package enum Access: Sendable {
        case reading
        case writing
        /// Nobody else may have it mounted or hold it (open(2), O_EXCL on a block device).
        case owning
    }

    package init(_ path: FilePath, _ access: Access) throws(BlockDeviceError) {
        let flags: CInt =
            switch access {
            case .reading: O_RDONLY
            case .writing: O_RDWR
            case .owning: O_RDWR | O_EXCL
            }
        let descriptor = open(path.string, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlockDeviceError("open \(path)") }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else {
            let failure = BlockDeviceError("measure \(path)")
            close(descriptor)
            throw failure
        }
        var sector: CInt = 0
        let isKnown = ioctl(descriptor, Self.sectorSize, &sector) == 0
        self.sector = isKnown && sector > 0 ? Int64(sector) : PartitionTable.sector
        (self.path, size, file) = (path, Int64(end), FileDescriptor(rawValue: descriptor))
    }

    deinit { try? file.close() }

    package func read(at offset: Int64, count: Int) throws(BlockDeviceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(file.rawValue, $0.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + off_t(filled))
            }
            guard got > 0 else { throw BlockDeviceError("read \(path)", code: got == 0 ? EIO : errno) }
            filled += got
        }
        return bytes
    }

    package func write(_ bytes: some Sequence<UInt8>, at offset: Int64) throws(BlockDeviceError) {
        let bytes = Array(bytes)
        var written = 0
        while written < bytes.count {
            let put = bytes.withUnsafeBytes {
                pwrite(
                    file.rawValue,
                    $0.baseAddress.map { $0 + written },
                    bytes.count - written,
                    off_t(offset) + off_t(written)
                )
            }
            guard put > 0 else { throw BlockDeviceError("write \(path)", code: put == 0 ? EIO : errno) }
            written += put
        }
    }

    package func clear(_ range: Range<Int64>) throws(BlockDeviceError) {
        let zeros = [UInt8](repeating: 0, count: Int(min(Self.chunk, Int64(range.count))))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = min(Self.chunk, range.upperBound - offset)
            try write(zeros.prefix(Int(count)), at: offset)
            offset += count
        }
    }

    private static let chunk: Int64 = 1 << 20

    /// Returns when all that was written is on the medium.
    package func flush() throws(BlockDeviceError) {
        guard fsync(file.rawValue) == 0 else { throw BlockDeviceError("flush \(path)") }
    }

    /// Throws away what the kernel keeps of it in memory, so that what is read next comes from the medium.
    package func forgetCache() {
        _ = ioctl(file.rawValue, Self.flushBuffers, 0)
        _ = posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_DONTNEED)
    }

    /// Makes the kernel read the partition table again; one that is in use is read at the next start.
    package func rereadPartitions() { _ = ioctl(file.rawValue, Self.rereadTable, 0) }

    /// BLKFLSBUF, BLKRRPART and BLKSSZGET of linux/fs.h.
    private static let flushBuffers: UInt = 0x1261
    private static let rereadTable: UInt = 0x125F
    private static let sectorSize: UInt = 0x1268

    /// The partition table; the copy at the end where the first one is damaged; `nil` where there is none.
    package func partitionTable() -> PartitionTable? {
        guard PartitionTable.sectorSizes.contains(sector) else { return nil }
        let sectors = size / sector
        let tableBytes = Int(PartitionTable.firstUsable(sector: sector) * sector)
        guard size > Int64(2 * tableBytes) else { return nil }
        if let bytes = try? read(at: 0, count: tableBytes),
            let table = try? PartitionTable(parsing: bytes, sectors: sectors, sector: sector)
        {
            return table
        }
        let copy = PartitionTable.backupSectors(sector: sector)
        guard let bytes = try? read(at: (sectors - copy) * sector, count: Int(copy * sector)) else { return nil }
        return try? PartitionTable(parsing: bytes, backup: true, sectors: sectors, sector: sector)
    }
}
