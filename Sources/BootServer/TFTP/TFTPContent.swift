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
}

/// A piece of the content in memory.
struct TFTPChunk {
    var offset: UInt64
    var bytes: ByteBuffer

    /// Bytes read from the disk at once.
    static let bytesMin: UInt64 = 64 << 10

    /// The piece's part for these bytes; `nil` when it does not hold all of them.
    func slice(at start: UInt64, length: Int) -> ByteBuffer? {
        guard start >= offset, start - offset <= UInt64(bytes.readableBytes) else { return nil }
        return bytes.getSlice(at: bytes.readerIndex + Int(start - offset), length: length)
    }
}
