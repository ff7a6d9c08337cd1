package import NIOCore

/// Turns a stream of bytes into STOMP 1.2 frames, however the bytes are cut.
///
/// Takes LF and CRLF line ends, skips the line ends between frames (heart-beats), and honours `content-length`; without
/// it a body ends at the first NUL. After an error the decoder must not be used again.
package struct StompDecoder: Sendable {
    /// What one peer may make us keep.
    package struct Limits: Hashable, Sendable {
        /// Bytes of the command and header lines together.
        package var headerBytes = 16 * 1024
        package var headers = 64
        package var bodyBytes = 4 * 1024 * 1024

        package init() {}
    }

    private let limits: Limits
    private var input = ByteBuffer()
    /// Bytes of `input` known to hold no end of the part that is read now, so that nothing is searched twice.
    private var searched = 0
    private var head: Head?

    private struct Head {
        var frame: StompFrame
        var bodyLength: Int?
    }

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Bytes that wait for the rest of their frame.
    package var pendingBytes: Int { input.readableBytes }

    package mutating func append(_ bytes: ByteBuffer) {
        input.discardReadBytes()
        input.writeImmutableBuffer(bytes)
    }

    /// The next whole frame, or `nil` until more bytes have come.
    package mutating func nextFrame() throws(StompError) -> StompFrame? {
        if head == nil {
            skipLineEnds()
            // Nothing is kept for a peer that says nothing: an engine has ten thousand of them.
            if input.readableBytes == 0 { input = ByteBuffer() }
            guard let length = try headLength(), let bytes = input.readSlice(length: length) else { return nil }
            searched = 0
            head = try Self.parseHead(bytes, limits)
        }
        guard let current = head, let body = try readBody(length: current.bodyLength) else { return nil }
        (head, searched) = (nil, 0)
        var frame = current.frame
        frame.body = body
        return frame
    }

    private mutating func skipLineEnds() {
        guard searched == 0 else { return }
        while let byte = input.getInteger(at: input.readerIndex, as: UInt8.self), byte == .lineFeed || byte == .return {
            input.moveReaderIndex(forwardBy: 1)
        }
    }

    /// The bytes up to and including the blank line; `nil` while it has not come.
    private mutating func headLength() throws(StompError) -> Int? {
        let view = input.readableBytesView
        var index = view.index(view.startIndex, offsetBy: searched)
        while let feed = view[index...].firstIndex(of: .lineFeed) {
            let rest = view[(feed + 1)...].prefix(2)
            let blank = rest.first == .lineFeed ? 1 : rest.elementsEqual([.return, .lineFeed]) ? 2 : 0
            if blank > 0 {
                let length = feed + 1 + blank - view.startIndex
                guard length <= limits.headerBytes else { throw .headersTooLong(limit: limits.headerBytes) }
                return length
            }
            index = feed + 1
        }
        guard view.count <= limits.headerBytes else { throw .headersTooLong(limit: limits.headerBytes) }
        // The last three bytes may be the begin of LF CR LF.
        searched = max(searched, view.count - 3)
        return nil
    }

    private mutating func readBody(length: Int?) throws(StompError) -> ByteBuffer? {
        if let length {
            guard input.readableBytes > length else { return nil }
            let body = input.readSlice(length: length)
            guard input.readInteger(as: UInt8.self) == 0 else { throw .missingTerminator }
            return body
        }
        let view = input.readableBytesView
        guard let end = view[(view.startIndex + searched)...].firstIndex(of: 0) else {
            guard view.count <= limits.bodyBytes else { throw .bodyTooLong(limit: limits.bodyBytes) }
            searched = view.count
            return nil
        }
        guard end - view.startIndex <= limits.bodyBytes else { throw .bodyTooLong(limit: limits.bodyBytes) }
        let body = input.readSlice(length: end - view.startIndex)
        input.moveReaderIndex(forwardBy: 1)
        return body
    }

    private static func parseHead(_ bytes: ByteBuffer, _ limits: Limits) throws(StompError) -> Head {
        var lines = bytes.readableBytesView.split(separator: .lineFeed, omittingEmptySubsequences: false)
            .map { $0.last == .return ? $0.dropLast() : $0 }
        // The blank line and what follows its line feed.
        lines.removeLast(2)
        guard lines.count - 1 <= limits.headers else { throw .tooManyHeaders(limit: limits.headers) }
        guard let first = lines.first, let name = String(validating: first, as: UTF8.self) else { throw .notText }
        let command = StompCommand(rawValue: name)
        var frame = StompFrame(command)
        for line in lines.dropFirst() {
            frame.headers.append(try StompHeader(line: line, escaped: command.escapesHeaders))
        }
        return Head(frame: frame, bodyLength: try bodyLength(frame, limits))
    }

    private static func bodyLength(_ frame: StompFrame, _ limits: Limits) throws(StompError) -> Int? {
        guard let text = frame["content-length"] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(text) else {
            throw .malformedContentLength
        }
        guard length <= limits.bodyBytes else { throw .bodyTooLong(limit: limits.bodyBytes) }
        return length
    }
}

extension UInt8 {
    static let lineFeed: UInt8 = 10
    static let `return`: UInt8 = 13
    static let colon: UInt8 = 58
    static let backslash: UInt8 = 92
}
