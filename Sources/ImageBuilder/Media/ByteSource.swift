import Glibc
import SystemPackage

/// Bytes at offsets: of a file, or of memory in tests.
struct ByteSource {
    let size: Int64
    private let read: (_ offset: Int64, _ count: Int) throws -> [UInt8]
    private let nextData: (_ offset: Int64) -> Int64

    /// Opens a file; it stays open as long as the source is used.
    init(_ path: FilePath) throws {
        let file = try OpenFile(path)
        size = file.size
        read = { try file.read(at: $0, count: $1) }
        nextData = { file.nextData(from: $0) }
    }

    init(_ bytes: [UInt8]) {
        size = Int64(bytes.count)
        read = { offset, count in Array(bytes[Int(offset)..<Int(offset) + count]) }
        nextData = { $0 }
    }

    /// False when there is nothing but a hole of the file, which reads as zeros.
    func holdsData(from offset: Int64, count: Int64) -> Bool { nextData(offset) < offset + count }

    /// Exactly `count` bytes; what lies beyond the end is an error.
    func bytes(at offset: Int64, count: Int) throws -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size - Int64(count) else {
            throw BuildError(
                .image,
                "the image ends before byte \(offset) and \(count) more: it was cut off",
                remedy: "fetch or build it again"
            )
        }
        return try read(offset, count)
    }
}

/// A descriptor that is closed with its last user.
private final class OpenFile {
    private let descriptor: FileDescriptor
    let size: Int64

    init(_ path: FilePath) throws {
        descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        do { size = try descriptor.seek(offset: 0, from: .end) } catch {
            try? descriptor.close()
            throw error
        }
    }

    deinit { try? descriptor.close() }

    /// Where the next byte lies that is in no hole (lseek(2), SEEK_DATA); the file's end if there is none.
    func nextData(from offset: Int64) -> Int64 {
        do { return try descriptor.seek(offset: offset, from: .data) } catch {
            // A file system that knows no holes has data everywhere.
            return (error as? Errno) == .noSuchAddressOrDevice ? size : offset
        }
    }

    func read(at offset: Int64, count: Int) throws -> [UInt8] {
        var filled = 0
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            defer { initialized = filled }
            while filled < count {
                let space = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = try descriptor.read(fromAbsoluteOffset: offset + Int64(filled), into: space)
                guard got > 0 else { throw Errno.ioError }
                filled += got
            }
        }
    }
}

/// Little-endian numbers of a structure; what is out of range is 0, so a caller that checked the size needs no more.
extension [UInt8] {
    func little16(_ offset: Int) -> Int { Int(at(offset)) | Int(at(offset + 1)) << 8 }
    func little32(_ offset: Int) -> Int64 { Int64(little16(offset)) | Int64(little16(offset + 2)) << 16 }

    /// True for nothing but zeros.
    var isZero: Bool {
        withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count > 1 else { return bytes.allSatisfy { $0 == 0 } }
            return bytes[0] == 0 && memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }

    func little64(_ offset: Int) -> UInt64 {
        UInt64(little32(offset)) | UInt64(little32(offset + 4)) << 32
    }
    private func at(_ index: Int) -> UInt8 { indices.contains(index) ? self[index] : 0 }
}
