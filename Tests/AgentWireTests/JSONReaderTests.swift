import FoundationEssentials
import NIOCore
import Testing

@testable import AgentWire

@Suite struct JSONReaderTests {
    @Test(
        "values as RFC 8259 has them",
        arguments: [
            ("null", JSONValue.null), (" true ", .boolean(true)), ("\tfalse\r\n", .boolean(false)),
            ("0", .integer(0)), ("-0", .integer(0)), ("-12", .integer(-12)), ("1.0", .integer(1)),
            ("1e3", .integer(1000)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("1.5E-1", .number(0.15)),
            ("1e+2", .integer(100)), ("[]", .array([])), ("[ ]", .array([])), ("{}", .object([:])),
            (#""""#, .string("")),
            (#"[1,"a",{"b":[null]}]"#, .array([.integer(1), .string("a"), .object(["b": .array([.null])])])),
            (#"{"a":1,"a":2}"#, .object(["a": .integer(2)])),
            (#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀""#, .string("\"\\/\u{8}\u{c}\n\r\tAé😀é😀")),
            (#"{"\u0061":1}"#, .object(["a": .integer(1)])),
        ]
    )
    func values(text: String, value: JSONValue) throws {
        #expect(try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text)) == value)
        let walked = try JSONReader.members(ByteBuffer(string: "{\"x\": \(text) }"), raw: { _ in true })
        let raw = try #require(walked?.raw["x"])
        #expect(try JSONReader.value(raw) == value, "what is walked over is the value")
    }

    @Test(
        "what is no JSON",
        arguments: [
            "", " ", "nul", "truex", "tru", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "1e999", "[1,]",
            "[,1]",
            "[1 2]", "[", "]", "{", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "'a'", "1 2", #""a"#, #""\x""#,
            #""\u12""#,
            #""\u12g4""#, #""\ud83d""#, #""\ud83d\u0041""#, #""\ude00""#, "\"\n\"", "\"\\", "\u{0}", "[1]\u{0}",
        ]
    )
    func malformed(text: String) {
        #expect(throws: (any Error).self) { try JSONReader.value(ByteBuffer(string: text)) }
    }

    @Test func bytesThatAreNoUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xEF, 0xBB, 0xBF],
        ] {
            #expect(throws: (any Error).self) { try JSONReader.value(ByteBuffer(bytes: bytes)) }
        }
    }

    @Test("nesting is bounded, in what is read and in what is walked over") func depth() throws {
        func nest(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONReader.value(ByteBuffer(string: nest(512))) }
        #expect(throws: (any Error).self) { try JSONReader.value(ByteBuffer(string: nest(513))) }
        #expect(throws: (any Error).self) {
            try JSONReader.members(ByteBuffer(string: #"{"result":\#(nest(100_000))}"#), raw: { $0 == "result" })
        }
    }

    @Test(
        "every prefix and every flipped byte of a reply: an error or a value, and what Foundation takes is read alike"
    )
    func flips() throws {
        let text = #"{"jsonrpc":"2.0","id":"7","result":{"a":[1,-2.5e3,true,null,"\u00e9\n"],"b":{"c":"é"}}}"#
        let whole = Array(text.utf8)
        for count in 0..<whole.count {
            #expect(throws: (any Error).self) { try JSONReader.value(ByteBuffer(bytes: whole.prefix(count))) }
        }
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << bit
                let ours = try? JSONReader.value(ByteBuffer(bytes: bytes))
                let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
                if let ours, let theirs { #expect(ours == theirs) }
                if ours == nil, let theirs { Issue.record("refused what Foundation takes: \(theirs)") }
            }
        }
    }

    @Test("the result of a reply stays as it came") func answers() throws {
        let text = #"{"result" : {"b":1, "a":2} ,"jsonrpc":"2.0","id":"7"}"#
        #expect(
            try RPCAnswer.decode(ByteBuffer(string: text))
                == .reply(.string("7"), .success(ByteBuffer(string: #"{"b":1, "a":2}"#)))
        )
        let error = #"{"jsonrpc":"2.0","id":7,"error":{"code":99,"message":"m"}}"#
        #expect(
            try RPCAnswer.decode(ByteBuffer(string: error)) == .reply(.integer(7), .failure(RPCError(.recovering, "m")))
        )
        for text in ["[]", "7", "{}", #"{"jsonrpc":"2.0","id":1}"#, #"{"jsonrpc":"2.0","id":1,"result":}"#] {
            #expect(throws: RPCError.self) { try RPCAnswer.decode(ByteBuffer(string: text)) }
        }
    }
}
