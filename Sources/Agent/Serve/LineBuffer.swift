import NIOCore

/// Collects bytes until a line is whole.
struct LineBuffer {
    struct TooLong: Error {}

    private let limit: Int
    private var bytes = ByteBuffer()

    init(limit: Int) { self.limit = limit }

    /// The first line without its end; `nil` until it has come.
    mutating func take(_ more: ByteBuffer) throws(TooLong) -> ByteBuffer? {
        let start = bytes.readableBytes
        bytes.writeImmutableBuffer(more)
        let view = bytes.readableBytesView
        guard let end = view[(view.startIndex + start)...].firstIndex(of: 10) else {
            guard bytes.readableBytes <= limit else { throw TooLong() }
            return nil
        }
        let line = bytes.readSlice(length: end - view.startIndex)
        bytes.moveReaderIndex(forwardBy: 1)
        return line
    }
}
