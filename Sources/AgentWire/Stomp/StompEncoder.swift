package import NIOCore

extension ByteBuffer {
    /// Writes one frame. A body makes a `content-length` header unless the frame brings its own.
    ///
    /// Headers of CONNECT and CONNECTED can not be escaped: a line end in one of them is dropped, so that it can not
    /// become a header of its own.
    package mutating func writeStompFrame(_ frame: StompFrame) {
        writeString(frame.command.rawValue)
        writeInteger(UInt8.lineFeed)
        for header in frame.headers { writeHeader(header, escaped: frame.command.escapesHeaders) }
        if frame.body.readableBytes > 0, frame["content-length"] == nil {
            writeString("content-length:\(frame.body.readableBytes)\n")
        }
        writeInteger(UInt8.lineFeed)
        writeImmutableBuffer(frame.body)
        writeInteger(UInt8(0))
    }

    private mutating func writeHeader(_ header: StompHeader, escaped: Bool) {
        func bytes(_ text: String) -> [UInt8] {
            escaped ? StompHeader.escape(text) : text.utf8.filter { $0 != .lineFeed && $0 != .return }
        }
        writeBytes(bytes(header.name))
        writeInteger(UInt8.colon)
        writeBytes(bytes(header.value))
        writeInteger(UInt8.lineFeed)
    }
}
