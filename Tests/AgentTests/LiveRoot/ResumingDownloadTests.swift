import Agent
import Testing

/// What the download decides, answer by answer.
@Suite struct ResumingDownloadTests {
    private typealias Download = ResumingDownload

    private static let size: Int64 = 1_000_000

    /// A download with so many bytes of an answer with this entity tag.
    private static func begun(_ count: Int = 300_000, tag: String? = "\"a\"", modified: String? = nil) -> Download {
        var download = Download(expectedSize: size, sizeMax: 1 << 30)
        _ = download.nextRequest()
        var head = Download.Head(status: 200)
        (head.contentLength, head.entityTag, head.lastModified) = (size, tag, modified)
        #expect(download.take(head) == .receive(isFresh: false))
        #expect(download.take(bytes: count) == nil)
        #expect(download.attemptEnded(.broken("cut")) == .again(afterSeconds: 1, reason: "cut"))
        return download
    }

    private static func part(_ range: String?, tag: String? = "\"a\"") -> Download.Head {
        var head = Download.Head(status: 206)
        (head.contentRange, head.entityTag) = (range, tag)
        return head
    }

    @Test("case 43: a cut connection goes on where it was")
    func resumes() {
        var download = Self.begun()
        #expect(download.nextRequest() == Download.Request(offset: 300_000, validator: "\"a\""))
        #expect(download.take(Self.part("bytes 300000-999999/1000000")) == .receive(isFresh: false))
        #expect(download.take(bytes: 700_000) == nil)
        #expect(download.attemptEnded(.complete) == .done)
    }

    @Test(
        "the condition is a strong entity tag, else the date",
        arguments: [
            ("\"a\"", nil, "\"a\""), ("W/\"a\"", nil, nil), ("W/\"a\"", "Mon", "Mon"), (nil, "Mon", "Mon"),
            (nil, nil, nil),
        ] as [(String?, String?, String?)]
    )
    func validator(tag: String?, modified: String?, validator: String?) {
        var download = Self.begun(tag: tag, modified: modified)
        #expect(download.nextRequest().validator == validator)
    }

    @Test("a server that sends the whole file again is believed, and everything before is forgotten")
    func whole() {
        var download = Self.begun()
        _ = download.nextRequest()
        var head = Download.Head(status: 200)
        head.contentLength = Self.size
        #expect(download.take(head) == .receive(isFresh: true))
        #expect(download.received == 0)
        #expect(download.take(bytes: Int(Self.size)) == nil)
        #expect(download.attemptEnded(.complete) == .done)
    }

    @Test(
        "a part that is not the one asked for starts over",
        arguments: [
            part("bytes 0-999999/1000000"), part("bytes 299999-999999/1000000"), part("bytes 300001-999999/1000000"),
            part("bytes 300000-1000000/1000000"), part("bytes 300000-299999/1000000"),
            part("pages 300000-999999/1000000"),
            part(nil), part(""), part("bytes */1000000"), part("bytes 300000-999999"),
            part("bytes 300000-999999/1000000", tag: "\"b\""), Download.Head(status: 416),
        ]
    )
    func wrongPart(head: ResumingDownload.Head) {
        var download = Self.begun()
        _ = download.nextRequest()
        guard case .stop(.again) = download.take(head) else {
            Issue.record("it is taken")
            return
        }
        #expect(download.nextRequest() == Download.Request(offset: 0, validator: nil))
    }

    @Test("a part that nobody asked for is none")
    func unasked() {
        var download = Download(expectedSize: Self.size, sizeMax: 1 << 30)
        _ = download.nextRequest()
        guard case .stop(.again) = download.take(Self.part("bytes 0-999999/1000000")) else {
            Issue.record("it is taken")
            return
        }
    }

    @Test(
        "case 43, A28: what an answer means for the next step",
        arguments: [
            (301, nil, nil, true), (302, nil, nil, true), (307, nil, nil, true), (308, nil, nil, true),
            (403, nil, nil, true),
            (400, nil, nil, true), (304, nil, nil, true), (100, nil, nil, true), (404, nil, 1, nil), (410, nil, 1, nil),
            (503, nil, 1, nil), (503, "7", 7, nil), (503, "100000", 120, nil), (503, "-1", 1, nil),
            (503, "Wed, 21 Oct 2026 07:28:00 GMT", 1, nil), (429, "3", 3, nil), (500, nil, 1, nil), (504, nil, 1, nil),
        ] as [(Int, String?, Int?, Bool?)]
    )
    func statuses(status: Int, retryAfter: String?, pause: Int?, isFinal: Bool?) {
        var download = Download(expectedSize: Self.size, sizeMax: 1 << 30)
        _ = download.nextRequest()
        var head = Download.Head(status: status)
        head.retryAfter = retryAfter
        switch download.take(head) {
        case .stop(.again(let seconds, _)): #expect(seconds == pause)
        case .stop(.giveUp(_, let final)): #expect(final == isFinal)
        case .stop(.done), .receive: Issue.record("it is taken")
        }
    }

    @Test("a file of another size than the manifest says is refused at once", arguments: [0, 999_999, 1_000_001])
    func otherSize(size: Int64) {
        var download = Download(expectedSize: Self.size, sizeMax: 1 << 30)
        _ = download.nextRequest()
        var head = Download.Head(status: 200)
        head.contentLength = size
        guard case .stop(.giveUp(_, isFinal: true)) = download.take(head) else {
            Issue.record("it is taken")
            return
        }
    }

    @Test("bytes beyond the end, or beyond the limit, are refused")
    func tooLong() {
        var known = Self.begun()
        #expect(known.take(bytes: 700_001) != nil)
        #expect(known.received == 300_000)
        var unknown = Download(sizeMax: 100)
        _ = unknown.nextRequest()
        #expect(unknown.take(Download.Head(status: 200)) == .receive(isFresh: false))
        #expect(unknown.take(bytes: 100) == nil)
        #expect(unknown.take(bytes: 1) != nil)
    }

    @Test("a short answer is a failure, one without a told size is not")
    func short() {
        var known = Download(expectedSize: 10, sizeMax: 100)
        _ = known.nextRequest()
        _ = known.take(Download.Head(status: 200))
        #expect(known.take(bytes: 9) == nil)
        #expect(known.attemptEnded(.complete) == .again(afterSeconds: 1, reason: "ended its answer early"))
        var unknown = Download(sizeMax: 100)
        _ = unknown.nextRequest()
        _ = unknown.take(Download.Head(status: 200))
        #expect(unknown.take(bytes: 9) == nil)
        #expect(unknown.attemptEnded(.complete) == .done)
    }

    @Test("pauses double up to the longest, then it gives up; progress begins the row anew")
    func pauses() {
        var download = Download(expectedSize: Self.size, sizeMax: 1 << 30)
        var seconds: [Int] = []
        for _ in 0..<7 {
            _ = download.nextRequest()
            guard case .again(let pause, _) = download.attemptEnded(.broken("refused")) else { break }
            seconds.append(pause)
        }
        #expect(seconds == [1, 2, 4, 8, 16, 30, 30])
        _ = download.nextRequest()
        #expect(download.attemptEnded(.broken("refused")) == .giveUp(reason: "refused", isFinal: false))
        download.encourage()
        _ = download.nextRequest()
        #expect(download.attemptEnded(.broken("refused")) == .again(afterSeconds: 1, reason: "refused"))
        _ = download.nextRequest()
        _ = download.take(Download.Head(status: 200))
        #expect(download.take(bytes: 65_536) == nil)
        #expect(download.attemptEnded(.broken("cut")) == .again(afterSeconds: 1, reason: "cut"))
    }

    @Test("a server that cuts after a few bytes each time does not keep a machine for ever")
    func dribble() {
        var download = Self.begun()
        for attempt in 1...8 {
            _ = download.nextRequest()
            _ = download.take(Self.part("bytes \(download.received)-999999/1000000"))
            #expect(download.take(bytes: 1) == nil)
            if case .giveUp = download.attemptEnded(.broken("cut")) { return }
            #expect(attempt < 8, "it goes on for ever")
        }
    }

    @Test("content of another digest is fetched again once, from its beginning")
    func mismatch() {
        var download = Self.begun(1_000_000)
        guard case .again = download.contentDiffers() else {
            Issue.record("it gives up at once")
            return
        }
        #expect(download.nextRequest() == Download.Request(offset: 0, validator: nil))
        guard case .giveUp(_, isFinal: true) = download.contentDiffers() else {
            Issue.record("it goes on for ever")
            return
        }
    }
}
