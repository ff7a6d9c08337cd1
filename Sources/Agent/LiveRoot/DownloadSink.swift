import Crypto
import Glibc
import NIOCore
import SystemPackage

/// Where the bytes of a download go, in order.
protocol DownloadSink: Sendable {
    mutating func append(_ bytes: ByteBuffer) throws(LiveRootFailure)
    /// Throws everything away: the file is sent from its beginning.
    mutating func forget() throws(LiveRootFailure)
}

struct MemorySink: DownloadSink {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ bytes: ByteBuffer) { self.bytes += bytes.readableBytesView }
    mutating func forget() { bytes = [] }
}

/// A file that is hashed while it grows. The descriptor is the caller's.
struct FileSink: DownloadSink {
    private let file: SystemPackage.FileDescriptor
    private var hash = SHA256()
    private var size: Int64 = 0

    init(_ file: SystemPackage.FileDescriptor) { self.file = file }

    /// Of everything appended.
    var digest: [UInt8] { Array(hash.finalize()) }

    mutating func append(_ bytes: ByteBuffer) throws(LiveRootFailure) {
        let position = size
        do {
            try bytes.withUnsafeReadableBytes { bytes in
                _ = try file.writeAll(toAbsoluteOffset: position, bytes)
                hash.update(bufferPointer: bytes)
            }
        } catch {
            let isFull = (error as? Errno) == .noSpace || (error as? Errno) == .noMemory
            throw LiveRootFailure(
                isFull ? .memory : .system,
                isFull ? "the memory is full" : "the root image cannot be written: \(error)",
                remedy: isFull ? "give the machine more memory" : "try again"
            )
        }
        size += Int64(bytes.readableBytes)
    }

    mutating func forget() throws(LiveRootFailure) {
        (hash, size) = (SHA256(), 0)
        guard ftruncate(file.rawValue, 0) == 0 else {
            throw LiveRootFailure(.system, "the root image cannot be emptied", remedy: "try again")
        }
    }
}
