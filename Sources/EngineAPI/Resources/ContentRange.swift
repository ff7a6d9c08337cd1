import HTTPTypes

/// `Content-Range: bytes A-B/TOTAL` of an upload (RFC 9110, section 14.4): which bytes of the file the body is.
struct ContentRange: Hashable, Sendable {
    let first: Int64
    let last: Int64
    let total: Int64

    var count: Int64 { last - first + 1 }

    /// `nil` unless A is at most B and B is below TOTAL.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let numbers = parts[1].split(whereSeparator: { $0 == "-" || $0 == "/" }).map { Int64($0) }
        guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let total = numbers[2],
            parts[1] == "\(first)-\(last)/\(total)"
        else { return nil }
        self.init(first: first, last: last, total: total)
    }

    /// The whole of a file with at least one byte.
    init?(whole total: Int64) { self.init(first: 0, last: total - 1, total: total) }

    private init?(first: Int64, last: Int64, total: Int64) {
        guard first >= 0, first <= last, last < total else { return nil }
        (self.first, self.last, self.total) = (first, last, total)
    }

    /// From the headers of a request: `Content-Range`, or, without one, a body that is the whole file.
    init(_ headers: HTTPFields) throws(Fault) {
        if let text = headers[.contentRange] {
            guard let range = ContentRange(text) else {
                throw Fault(
                    .badRequest,
                    "Content-Range \"\(text.prefix(100))\" makes no sense.",
                    remedy: "Write Content-Range: bytes FIRST-LAST/TOTAL."
                )
            }
            self = range
        } else if let range = headers[.contentLength].flatMap({ Int64($0) }).flatMap(ContentRange.init(whole:)) {
            self = range
        } else {
            throw Fault(
                .lengthRequired,
                "The length of the file is not said.",
                remedy: "Send Content-Length, or Content-Range: bytes FIRST-LAST/TOTAL."
            )
        }
    }
}
