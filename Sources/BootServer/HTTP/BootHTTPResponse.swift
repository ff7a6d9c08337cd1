import NIOCore
import NIOHTTP1

/// An answer before it is on the wire: complete, with the length of its body known.
struct BootHTTPResponse: Sendable {
    enum Body: Sendable {
        case bytes(ByteBuffer)
        /// A part of a file; the file is open until the answer is sent or given up.
        case file(ServedFile, Range<Int64>)
    }

    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    var body: Body
    /// Told once, when the last byte was handed to the kernel or the connection ended before.
    var onEnd: (@Sendable (_ isComplete: Bool) -> Void)?
    /// Told how far a file is.
    var progress: BootFigures.Transfer?

    var length: Int64 {
        switch body {
        case .bytes(let buffer): Int64(buffer.readableBytes)
        case .file(_, let range): Int64(range.count)
        }
    }

    /// Closes the file and tells the end.
    func end(isComplete: Bool) {
        if case .file(let file, _) = body { file.close() }
        onEnd?(isComplete)
    }

    /// A text of ours: a script, or a sentence that says what was wrong.
    static func text(_ status: HTTPResponseStatus, _ text: String, headers: HTTPHeaders = [:]) -> BootHTTPResponse {
        var headers = headers
        headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        headers.add(name: "Cache-Control", value: "no-store")
        return BootHTTPResponse(status: status, headers: headers, body: .bytes(ByteBuffer(string: text)))
    }

    /// A file under the conditions and the range of a request. Takes the open file over.
    static func file(_ file: ServedFile, type: String, request: HTTPHeaders) -> BootHTTPResponse {
        var headers: HTTPHeaders = [
            "ETag": file.validators.entityTag, "Last-Modified": file.validators.lastModified.description,
            "Accept-Ranges": "bytes",
        ]
        switch Preconditions(request, file.validators) {
        case .failed:
            file.close()
            return .text(.preconditionFailed, "the file is another one by now\n")
        case .notModified:
            file.close()
            return BootHTTPResponse(status: .notModified, headers: headers, body: .bytes(ByteBuffer()))
        case .met(let takesRange):
            headers.add(name: "Content-Type", value: type)
            switch ByteRange(header: takesRange ? request.first(name: "Range") : nil, length: file.size) {
            case .whole: return BootHTTPResponse(status: .ok, headers: headers, body: .file(file, 0..<file.size))
            case .part(let range):
                let value = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
                headers.add(name: "Content-Range", value: value)
                return BootHTTPResponse(status: .partialContent, headers: headers, body: .file(file, range))
            case .unsatisfiable:
                file.close()
                let range: HTTPHeaders = ["Content-Range": "bytes */\(file.size)"]
                return .text(.rangeNotSatisfiable, "the file has \(file.size) bytes\n", headers: range)
            }
        }
    }
}
