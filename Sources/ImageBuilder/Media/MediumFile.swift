import Glibc
import SystemPackage

/// An image file that is written beside its place, at known offsets, and renamed when it is whole and on the disk. What a
/// killed build left is taken away by the next one.
struct MediumFile: ~Copyable {
    /// How much one system call copies, in bytes; between two a build can be cancelled.
    private static let chunk: Int64 = 64 << 20

    let path: FilePath
    private let place: FilePath
    private let descriptor: FileDescriptor

    private init(owning descriptor: FileDescriptor, path: FilePath, place: FilePath) {
        (self.descriptor, self.path, self.place) = (descriptor, path, place)
    }

    deinit {
        try? descriptor.close()
        // No error after `finish`: the name is gone then.
        unlink(path.string)
    }

    /// Makes a file of `size` bytes, all zero. Too little space on its file system is an error before the work.
    static func create(at place: FilePath, size: Int64) throws -> MediumFile {
        let folder = place.removingLastComponent()
        let free = try freeSpace(at: folder.isEmpty ? "." : folder)
        guard free >= size else {
            throw BuildError(
                .diskFull,
                "\(place) needs \(size >> 20) MiB, and its file system has \(free >> 20) free",
                remedy: "free space there, or name another output directory, and build again"
            )
        }
        let path = folder.appending(".unfinished-\(place.lastComponent?.string ?? "medium")")
        remove(path)
        let descriptor = try FileDescriptor.open(
            path,
            .readWrite,
            options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead]
        )
        let file = MediumFile(owning: descriptor, path: path, place: place)
        guard fchmod(descriptor.rawValue, 0o644) == 0, ftruncate(descriptor.rawValue, off_t(size)) == 0 else {
            throw Errno(rawValue: errno)
        }
        return file
    }

    borrowing func write(_ bytes: some Sequence<UInt8>, at offset: Int64) throws {
        try descriptor.writeAll(toAbsoluteOffset: offset, bytes)
    }

    /// Copies a whole file to `offset`: shares its blocks where the file system can, else lets the kernel copy.
    /// Holes stay holes.
    borrowing func copy(_ source: FilePath, to offset: Int64, progress: (Int64) -> Void) throws {
        let input = try FileDescriptor.open(source, .readOnly, options: .closeOnExec)
        defer { try? input.close() }
        let size = try input.seek(offset: 0, from: .end)
        var done = try share(input, size: size, at: offset)
        progress(done)
        while done < size {
            try Task.checkCancellation()
            let data = Self.next(.data, in: input, from: done) ?? size
            let end = min(Self.next(.hole, in: input, from: data) ?? size, data + Self.chunk)
            if data < end { try send(input, data..<end, to: offset + data) }
            progress(end - done)
            done = end
        }
    }

    private borrowing func send(_ input: FileDescriptor, _ range: Range<Int64>, to offset: Int64) throws {
        try descriptor.seek(offset: offset, from: .start)
        var position = off_t(range.lowerBound)
        while position < range.upperBound {
            let left = Int(range.upperBound - Int64(position))
            let count = sendfile(descriptor.rawValue, input.rawValue, &position, left)
            guard count >= 0 else { throw Errno(rawValue: errno) }
            guard count > 0 else { throw Errno.ioError }
        }
    }

    /// `nil` where there is none, or where the file system does not say.
    private static func next(_ origin: FileDescriptor.SeekOrigin, in input: FileDescriptor, from: Int64) -> Int64? {
        try? input.seek(offset: from, from: origin)
    }

    /// Waits for the disk and gives the file its name.
    consuming func finish() throws {
        guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        try rename(path, to: place)
    }

    /// Shares the whole blocks of the source (ioctl_ficlonerange(2)); 0 where the file system cannot.
    private borrowing func share(_ input: FileDescriptor, size: Int64, at offset: Int64) throws -> Int64 {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        let whole = size / Int64(status.st_blksize) * Int64(status.st_blksize)
        var range = (source: Int64(input.rawValue), from: Int64(0), length: whole, to: offset)
        guard whole > 0, ioctl(descriptor.rawValue, Self.cloneRange, &range) == 0 else { return 0 }
        return whole
    }

    /// FICLONERANGE of linux/fs.h.
    private static let cloneRange: UInt = 0x4020_940D
}
