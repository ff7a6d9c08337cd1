import CSockets
import Glibc
import NIOCore

/// What a transfer sends: a file, read as it goes, or bytes that are ready, such as text made for one machine.
enum TFTPContent: Sendable {
    case file(OpenLoader)
    case bytes(ByteBuffer)

    var size: UInt64 {
        switch self {
        case .file(let file): file.size
        case .bytes(let bytes): UInt64(bytes.readableBytes)
        }
    }

    /// Fills the parts with `count` bytes, which is their sum.
    func read(_ parts: UnsafeBufferPointer<iovec>, at offset: UInt64, count: Int, mayWait: Bool) -> WireBlocks.Loading {
        switch self {
        case .file(let file): return file.read(parts, at: offset, count: count, mayWait: mayWait)
        case .bytes(let bytes):
            guard offset + UInt64(count) <= UInt64(bytes.readableBytes) else { return .failed }
            bytes.withUnsafeReadableBytes { source in
                var place = Int(offset)
                for part in parts {
                    UnsafeMutableRawBufferPointer(start: part.iov_base, count: part.iov_len)
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[place..<place + part.iov_len]))
                    place += part.iov_len
                }
            }
            return .loaded
        }
    }
}
