/// One file's download over HTTP/1.1, as decisions: which request comes next, what an answer means, when to try again and
/// when to stop. Knows no socket, file or clock (RFC 9110, sections 13.1.5 and 14).
///
/// A connection that breaks costs nothing but the rest: the next request asks for what is missing, under the condition
/// that the file is still the same. A file that has changed is fetched from its beginning.
package struct ResumingDownload: Hashable, Sendable {
    package struct Limits: Hashable, Sendable {
        /// Failures in a row after which it gives up; bytes that arrive begin the row anew.
        package var failuresMax = 8
        /// So many bytes of one attempt count as progress.
        package var progressBytes: Int64 = 64 << 10
        /// How often a file of the right size and the wrong content is fetched again.
        package var mismatchesMax = 1
        /// Seconds of the first pause; it doubles, up to the longest.
        package var firstPause = 1
        package var longestPause = 30
        /// The longest wait that a server may ask for by `Retry-After`, in seconds.
        package var retryAfterMax = 120

        package init() {}
    }

    package struct Request: Hashable, Sendable {
        /// The first byte asked for; 0 asks for the whole file, without `Range`.
        package var offset: Int64
        /// For `If-Range`, with an offset.
        package var validator: String?

        package init(offset: Int64, validator: String?) { (self.offset, self.validator) = (offset, validator) }
    }

    /// What an answer's head says.
    package struct Head: Hashable, Sendable {
        package var status: Int
        package var contentLength: Int64?
        package var contentRange: String?
        package var entityTag: String?
        package var lastModified: String?
        package var retryAfter: String?

        package init(status: Int) { self.status = status }
    }

    package enum HeadDecision: Hashable, Sendable {
        /// The body goes on at `received`; `isFresh` when everything received so far is to be forgotten first.
        case receive(isFresh: Bool)
        /// The body is of no use; close the connection.
        case stop(Next)
    }

    package enum Next: Hashable, Sendable {
        case done
        case again(afterSeconds: Int, reason: String)
        case giveUp(reason: String, isFinal: Bool)
    }

    /// How an attempt ended.
    package enum End: Hashable, Sendable {
        /// The answer was complete.
        case complete
        /// The connection failed, broke or was silent; says how.
        case broken(String)
    }

    /// Bytes that are there.
    package private(set) var received: Int64 = 0
    /// `nil` for a file whose size nobody has told yet.
    package let expectedSize: Int64?
    private let sizeMax: Int64
    private let limits: Limits
    private var validator: String?
    private var failures = 0
    private var mismatches = 0
    private var attemptStart: Int64 = 0

    package init(expectedSize: Int64? = nil, sizeMax: Int64, limits: Limits = Limits()) {
        (self.expectedSize, self.sizeMax, self.limits) = (expectedSize, sizeMax, limits)
    }

    /// Begins the row of failures anew, after a person or a longer pause; what was received stays.
    package mutating func encourage() { failures = 0 }

    package mutating func nextRequest() -> Request {
        attemptStart = received
        return Request(offset: received, validator: received > 0 ? validator : nil)
    }

    // MARK: Answers

    package mutating func take(_ head: Head) -> HeadDecision {
        switch head.status {
        case 200: takeWhole(head)
        case 206: takePart(head)
        case 416: startOver("has less of the file than it had before")
        case 301, 302, 303, 307, 308:
            .stop(.giveUp(reason: "sends to another place (\(head.status)), where nobody goes", isFinal: true))
        case 403: .stop(.giveUp(reason: "says that this machine may not boot from there (403)", isFinal: true))
        case 404, 410: .stop(again("has no such file (\(head.status))", head.retryAfter))
        case 408, 425, 429, 500, 502, 503, 504:
            .stop(again("cannot answer now (\(head.status))", head.retryAfter))
        default: .stop(.giveUp(reason: "answered with status \(head.status)", isFinal: true))
        }
    }

    private mutating func takeWhole(_ head: Head) -> HeadDecision {
        if let length = head.contentLength, let refusal = refusal(ofSize: length) { return .stop(refusal) }
        let isFresh = received > 0
        received = 0
        attemptStart = 0
        remember(head)
        return .receive(isFresh: isFresh)
    }

    private mutating func takePart(_ head: Head) -> HeadDecision {
        guard received > 0, let range = ContentRange(head.contentRange ?? ""), range.first == received else {
            return startOver("sent another part of the file than was asked for")
        }
        if let total = range.total {
            if let refusal = refusal(ofSize: total) { return .stop(refusal) }
            guard range.last < total else { return startOver("sent a part that is none") }
        }
        let told = head.entityTag ?? head.lastModified
        guard told == nil || validator == nil || told == validator else { return startOver("has changed the file") }
        return .receive(isFresh: false)
    }

    private func refusal(ofSize size: Int64) -> Next? {
        if let expectedSize, size != expectedSize {
            return .giveUp(
                reason: "has a file of \(size) bytes, the signed manifest says \(expectedSize)",
                isFinal: true
            )
        }
        return size > sizeMax ? .giveUp(reason: "has a file of \(size) bytes, over \(sizeMax)", isFinal: true) : nil
    }

    /// A weak entity tag says nothing about bytes, so it is no condition for a range.
    private mutating func remember(_ head: Head) {
        let tag = head.entityTag.flatMap { $0.hasPrefix("\"") ? $0 : nil }
        validator = tag ?? head.lastModified
    }

    private mutating func startOver(_ reason: String) -> HeadDecision {
        received = 0
        attemptStart = 0
        validator = nil
        return .stop(again(reason))
    }

    /// Counts bytes of a body. `nil` when they fit; otherwise the answer is longer than it may be, and no byte counts.
    package mutating func take(bytes count: Int) -> Next? {
        guard received + Int64(count) <= expectedSize ?? sizeMax else {
            return .giveUp(reason: "sends more than \(expectedSize ?? sizeMax) bytes", isFinal: true)
        }
        received += Int64(count)
        return nil
    }

    package mutating func attemptEnded(_ end: End) -> Next {
        switch end {
        case .complete where expectedSize == nil || received == expectedSize: return .done
        case .complete: return again("ended its answer early")
        case .broken(let reason): return again(reason)
        }
    }

    /// The file is whole and not what it must be.
    package mutating func contentDiffers() -> Next {
        mismatches += 1
        guard mismatches <= limits.mismatchesMax else {
            return .giveUp(reason: "has other content than the signed manifest says (SHA-256)", isFinal: true)
        }
        guard case .stop(let next) = startOver("sent other content than the signed manifest says") else {
            return .done
        }
        return next
    }

    private mutating func again(_ reason: String, _ retryAfter: String? = nil) -> Next {
        failures = received - attemptStart >= limits.progressBytes ? 1 : failures + 1
        attemptStart = received
        guard failures < limits.failuresMax else { return .giveUp(reason: reason, isFinal: false) }
        let pause = min(limits.firstPause << (failures - 1), limits.longestPause)
        let asked = retryAfter.flatMap { Int($0) }.map { min(max($0, 0), limits.retryAfterMax) }
        return .again(afterSeconds: max(asked ?? 0, pause), reason: reason)
    }
}

/// `Content-Range: bytes FIRST-LAST/TOTAL`.
package struct ContentRange: Hashable, Sendable {
    package var first: Int64
    package var last: Int64
    /// `nil` for `*`.
    package var total: Int64?

    /// `nil` for anything else, also for a range that ends before it begins.
    package init?(_ text: some StringProtocol) {
        let words = String(text).split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]),
            first <= last, parts[1] == "*" || Self.number(parts[1]) != nil
        else { return nil }
        (self.first, self.last, total) = (first, last, Self.number(parts[1]))
    }

    private static func number(_ digits: Substring) -> Int64? {
        digits.utf8.allSatisfy { (48...57).contains($0) } ? Int64(digits) : nil
    }
}
