import HostModel
import NIOHTTP1
import Testing

@testable import BootServer

@Suite struct HTTPDateTests {
    @Test(
        "known dates, both ways",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ]
    )
    func both(seconds: Int64, text: String) {
        #expect(HTTPDate(seconds: seconds).description == text)
        #expect(HTTPDate(text)?.seconds == seconds)
    }

    @Test func datesOfFourCenturiesSurvive() {
        // A step without a common divisor with weeks, months or leap cycles: every shape of a date comes up.
        let dates = stride(from: Int64(-50_000), to: 96_097, by: 11).map { HTTPDate(seconds: $0 * 86_400 + 43_210) }
        let changed = dates.filter { HTTPDate($0.description) != $0 }
        #expect(changed.isEmpty)
    }

    @Test(
        "anything else is no date",
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 +8:49:37 GMT",
        ]
    )
    func refuses(text: String) {
        #expect(HTTPDate(text) == nil)
    }
}

@Suite struct ByteRangeTests {
    @Test(
        "H2: ranges, and the corners of RFC 9110, section 14.1.2",
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-99", .part(0..<100)), ("bytes=100-", .part(100..<1000)),
            ("bytes=-50", .part(950..<1000)), ("bytes=-5000", .part(0..<1000)), ("bytes=0-5000", .part(0..<1000)),
            ("bytes=999-999", .part(999..<1000)), ("bytes=1000-", .unsatisfiable), ("bytes=999999999-", .unsatisfiable),
            ("bytes=-0", .unsatisfiable), ("bytes=a-b", .whole), ("bytes=0-1,3-4", .whole), ("bytes=9-1", .whole),
            ("bytes=-", .whole), ("bytes=", .whole), ("bytes", .whole), ("items=0-1", .whole),
            ("BYTES= 0 - 1 ", .part(0..<2)),
            ("bytes=--1", .whole), ("bytes=+1-2", .whole), ("bytes=99999999999999999999-", .unsatisfiable),
            ("bytes=0-99999999999999999999", .part(0..<1000)),
        ]
    )
    func reads(header: String?, range: ByteRange) {
        #expect(ByteRange(header: header, length: 1000) == range)
    }

    @Test func nothingOfNothing() {
        #expect(ByteRange(header: "bytes=0-", length: 0) == .unsatisfiable)
        #expect(ByteRange(header: "bytes=-1", length: 0) == .unsatisfiable)
        #expect(ByteRange(header: nil, length: 0) == .whole)
    }
}

@Suite struct PreconditionsTests {
    private static let validators = Validators(entityTag: "\"a-b\"", lastModified: HTTPDate(seconds: 784_111_777))
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let exactly = "Sun, 06 Nov 1994 08:49:37 GMT"

    @Test(
        arguments: [
            ([:], Preconditions.met(takesRange: true)),
            (["If-Match": "\"a-b\""], .met(takesRange: true)), (["If-Match": "*"], .met(takesRange: true)),
            (["If-Match": "\"x\", \"a-b\""], .met(takesRange: true)),
            (["If-Match": "\"x\""], .failed), (["If-Match": "W/\"a-b\""], .failed),
            (["If-Unmodified-Since": exactly], .met(takesRange: true)), (["If-Unmodified-Since": before], .failed),
            (["If-Unmodified-Since": "yesterday"], .met(takesRange: true)),
            (["If-Match": "\"a-b\"", "If-Unmodified-Since": before], .met(takesRange: true)),
            (["If-None-Match": "\"a-b\""], .notModified), (["If-None-Match": "W/\"a-b\""], .notModified),
            (["If-None-Match": "*"], .notModified), (["If-None-Match": "\"x\""], .met(takesRange: true)),
            (["If-Modified-Since": exactly], .notModified), (["If-Modified-Since": before], .met(takesRange: true)),
            (["If-None-Match": "\"x\"", "If-Modified-Since": exactly], .met(takesRange: true)),
            (["If-Range": "\"a-b\""], .met(takesRange: true)), (["If-Range": "\"x\""], .met(takesRange: false)),
            (["If-Range": "W/\"a-b\""], .met(takesRange: false)), (["If-Range": exactly], .met(takesRange: true)),
            (["If-Range": before], .met(takesRange: false)),
        ] as [([String: String], Preconditions)]
    )
    func weighs(headers: [String: String], expected: Preconditions) {
        #expect(Preconditions(HTTPHeaders(Array(headers)), Self.validators) == expected)
    }
}

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", []), ("//images//x", ["images", "x"]), ("/a%20b/c", ["a b", "c"]), ("http://h:80/a?x=1", ["a"]),
        ("HTTP://h/a", ["a"]), ("/a?/../b", ["a"]), ("/%252e%252e", ["%2e%2e"]),
    ])
    func readsPaths(text: String, components: [String]) {
        #expect(RequestTarget(text)?.components == components)
    }

    @Test(
        "H8: nothing that leaves a directory passes, however it is encoded",
        arguments: [
            "", "x", "*", "http://", "http://h", "https://h/a", "http:///a", "/..", "/a/../b", "/.", "/%2e%2e/x",
            "/%2E./x",
            "/a%2fb", "/a%5cb", "/%00", "/a%0a", "/%c0%ae%c0%ae/x", "/%ff", "/%", "/%2", "/%zz",
            "/" + String(repeating: "a", count: RequestTarget.bytesMax),
        ]
    )
    func refuses(text: String) {
        #expect(RequestTarget(text) == nil)
    }

    @Test func readsQueries() {
        let target = RequestTarget("/s?mac=1&mac=2&e=&f&a%3Db=c%26d&p=%ff&q=a=b&&plus=a+b")
        #expect(target?["mac"] == "1", "the first counts: SMBIOS strings stand behind it")
        #expect(target?["e"] == nil)
        #expect(target?["f"] == nil)
        #expect(target?["a=b"] == "c&d")
        #expect(target?["p"] == "\u{FFFD}")
        #expect(target?["q"] == "a=b")
        #expect(target?["plus"] == "a+b")
        let many = RequestTarget("/s?" + String(repeating: "a=1&", count: 500) + "b=2")
        #expect(many?.query.count == RequestTarget.parametersMax)
    }

    @Test("random bytes never trap, and what passes is plain")
    func fuzz() {
        var generator = SplitMix(state: 42)
        let alphabet = Array("/?&=%.2e0fFcC\\ \u{0}\nämachttp:".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            guard let target = RequestTarget("/" + String(decoding: bytes, as: UTF8.self)) else { continue }
            let hostile = target.components.filter { component in
                component == ".." || component == "." || component.isEmpty
                    || component.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "/") }
            }
            if !hostile.isEmpty { Issue.record("\(hostile) passed") }
            _ = try? BootRoute(target, from: nil)
        }
    }
}

/// A generator with a seed (Steele, Lea, Flood: SplitMix64), so that a failing case comes again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
