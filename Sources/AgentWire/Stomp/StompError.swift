/// Why bytes are not a STOMP 1.2 frame that we take. The connection that sent them is of no further use.
package enum StompError: Error, Hashable, Sendable {
    case headersTooLong(limit: Int)
    case tooManyHeaders(limit: Int)
    case bodyTooLong(limit: Int)
    /// A command or header line is not UTF-8.
    case notText
    /// A header line has no colon, or nothing before it.
    case malformedHeader
    /// A backslash is followed by something other than `n`, `r`, `c` or `\`.
    case undefinedEscape
    case malformedContentLength
    /// The byte after a body of `content-length` bytes is not NUL.
    case missingTerminator
    /// The first bytes are not a STOMP command.
    case notStomp
}

extension StompError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .headersTooLong(let limit): "Frame headers exceed \(limit) bytes"
        case .tooManyHeaders(let limit): "Frame has more than \(limit) headers"
        case .bodyTooLong(let limit): "Frame body exceeds \(limit) bytes"
        case .notText: "Frame headers are not UTF-8"
        case .malformedHeader: "Frame header without name or colon"
        case .undefinedEscape: "Undefined escape in frame header"
        case .malformedContentLength: "Malformed content-length"
        case .missingTerminator: "Frame is not terminated by NUL after content-length bytes"
        case .notStomp: "Not a STOMP frame"
        }
    }
}
