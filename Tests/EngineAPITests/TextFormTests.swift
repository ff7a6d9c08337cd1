import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import EngineAPI

@Suite struct CorrelationIDTests {
    @Test(arguments: [
        ("abc-DEF_09", "abc-DEF_09"),
        ("a b\r\nc;<d>\u{202E}é", "abcd"),
        (String(repeating: "x", count: 100), String(repeating: "x", count: 36)),
    ])
    func keepsOnlyWhatOVirtKeeps(_ sent: String, _ kept: String) { #expect(CorrelationID(sent)?.rawValue == kept) }

    @Test(arguments: ["", " ", "é\u{0}\u{1B}"]) func isNoneWithoutAnythingToKeep(_ sent: String) {
        #expect(CorrelationID(sent) == nil)
    }
}

@Suite struct FormFieldsTests {
    @Test(arguments: [
        ("a=1&b=2", "a", "1"), ("a=1&a=2", "a", "1"), ("a=b=c", "a", "b=c"), ("a", "a", ""),
        ("user=admin%40internal&password=p%2Bq+r", "password", "p+q r"), ("a=%zz", "a", "%zz"), ("%61=1", "a", "1"),
    ])
    func reads(_ text: String, _ name: String, _ value: String) { #expect(FormFields(text)[name] == value) }

    @Test func readsABoundedNumberOfFields() {
        let many = (0..<1000).map { "k\($0)=v" }.joined(separator: "&")
        #expect(FormFields(many)["k99"] == "v")
        #expect(FormFields(many)["k100"] == nil)
    }
}

@Suite struct WireFormatTests {
    private static func request(_ accept: String?, _ type: String?) -> Request {
        var headers = HTTPFields()
        headers[.accept] = accept
        headers[.contentType] = type
        let head = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/", headerFields: headers)
        return Request(head: head, body: RequestBody(buffer: ByteBuffer()))
    }

    private static let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    @Test(
        "what is answered with",
        arguments: [
            (nil, nil, WireFormat.json), ("*/*", nil, .json), ("*/*", "application/xml", .xml), (nil, "text/xml", .xml),
            ("application/xml", "application/xml", .xml), ("application/json", "application/xml", .json),
            ("application/xml", "application/json", .xml), ("text/xml;charset=utf-8", nil, .xml), (browser, nil, .xml),
            ("application/json;q=0.5, application/xml;q=0.4", nil, .json),
            ("application/xml;q=0, */*", nil, .json), ("application/*", nil, .json), ("text/event-stream", nil, .json),
            (";;,q=,", nil, .json),
        ]
    )
    func answers(_ accept: String?, _ type: String?, _ format: WireFormat) {
        #expect(WireFormat(answerTo: Self.request(accept, type)) == format)
    }
}

@Suite struct LinkPathTests {
    @Test("paths that begin alike are one")
    func reads() throws {
        let paths = try LinkPath.paths("nics.network_attachments, cluster,nics.statistics,,")
        #expect(paths.map(\.name) == ["nics", "cluster"])
        #expect(paths.first?.next.map(\.name) == ["network_attachments", "statistics"])
        #expect(try LinkPath.paths("").isEmpty)
    }

    @Test(arguments: [
        "a..b", ".", "a/b", "a.b.c.d.e.f", "é", (0..<33).map { "a\($0)" }.joined(separator: ","),
    ])
    func refuses(_ text: String) { #expect(throws: Fault.self) { try LinkPath.paths(text) } }
}

@Suite struct ContentRangeTests {
    @Test(arguments: [
        ("bytes 0-0/1", 0, 0, 1), ("bytes 5-9/10", 5, 9, 10),
        ("Bytes 0-10737418239/10737418240", 0, 10_737_418_239, 10_737_418_240),
    ])
    func reads(_ text: String, _ first: Int64, _ last: Int64, _ total: Int64) throws {
        let range = try #require(ContentRange(text))
        #expect((range.first, range.last, range.total) == (first, last, total))
        #expect(range.count == last - first + 1)
    }

    @Test(arguments: [
        "", "bytes", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "bytes -1-4/10", "items 0-1/2", "bytes 0-1/*",
        "bytes 0-1", "bytes 0-1/2/3", "bytes 00-1/2", "bytes 0-99999999999999999999/1", "bytes 0-1/2 ",
    ])
    func refuses(_ text: String) { #expect(ContentRange(text) == nil) }

    @Test func aBodyWithoutARangeIsTheWholeFile() throws {
        #expect(try ContentRange([.contentLength: "7"]) == ContentRange("bytes 0-6/7"))
        #expect(throws: Fault.self) { try ContentRange([:]) }
        #expect(throws: Fault.self) { try ContentRange([.contentLength: "0"]) }
    }
}

@Suite struct WireTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_767_225_600_123, "2026-01-01T00:00:00.123Z"),
        (1_767_225_599_999, "2025-12-31T23:59:59.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
    func writes(_ milliseconds: Int64, _ text: String) { #expect(WireTime.text(milliseconds: milliseconds) == text) }
}

@Suite struct EventQueryTests {
    @Test func withAnIndexTheOldestFollowingEventsComeFirstSoThatNoneIsSkipped() throws {
        let query = try EventRoutes.query(FormFields("from=41&max=2&search=host.name%3Dnode-1"))
        #expect(query.after == 41)
        #expect(query.max == 2)
        #expect(query.search.condition == .comparison(field: "host.name", .equal, value: "node-1"))
        #expect(!query.newestFirst)
        #expect(try EventRoutes.query(FormFields("max=1")).newestFirst)
    }

    @Test(arguments: [
        "from=x", "from=-1", "from=1&search=sortby%20time", "from=1&search=page%202", "max=many",
        "search=nothing%3D885", "search=type%3D", "case_sensitive=maybe",
    ])
    func refuses(_ text: String) { #expect(throws: (any Error).self) { try EventRoutes.query(FormFields(text)) } }
}
