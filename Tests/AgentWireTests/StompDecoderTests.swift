import NIOCore
import Testing

@testable import AgentWire

/// Bytes as VDSM's own clients write them, and every way to break them.
@Suite struct StompDecoderTests {
    struct Sample: CustomTestStringConvertible {
        var testDescription: String
        var wire: String
        var frames: [StompFrame]
    }

    static let request = #"[{"jsonrpc": "2.0", "method": "Host.ping2", "params": {}, "id": "7"}]"#

    static let samples = [
        Sample(
            testDescription: "python client: CONNECT and SUBSCRIBE in one write",
            wire: "CONNECT\naccept-version:1.2\nheart-beat:0,24000\n\n\0"
                + "SUBSCRIBE\ndestination:d-1\nack:auto\nid:s-1\n\n\0",
            frames: [
                StompFrame(.connect, [StompHeader("accept-version", "1.2"), StompHeader("heart-beat", "0,24000")]),
                StompFrame(
                    .subscribe,
                    [StompHeader("destination", "d-1"), StompHeader("ack", "auto"), StompHeader("id", "s-1")]
                ),
            ]
        ),
        Sample(
            testDescription: "content-length",
            wire: "SEND\ndestination:jms.topic.vdsm_requests\ncontent-length:\(request.utf8.count)\n\n\(request)\0",
            frames: [
                StompFrame(
                    .send,
                    [
                        StompHeader("destination", "jms.topic.vdsm_requests"),
                        StompHeader("content-length", "\(request.utf8.count)"),
                    ],
                    body: ByteBuffer(string: request)
                )
            ]
        ),
        Sample(
            testDescription: "a body that holds NUL",
            wire: "SEND\ncontent-length:3\n\na\0b\0",
            frames: [StompFrame(.send, [StompHeader("content-length", "3")], body: ByteBuffer(string: "a\0b"))]
        ),
        Sample(
            testDescription: "CRLF, heart-beats around, no content-length",
            wire: "\n\r\nSEND\r\ndestination:a\r\n\r\nhello\0\n\n",
            frames: [StompFrame(.send, [StompHeader("destination", "a")], body: ByteBuffer(string: "hello"))]
        ),
        Sample(
            testDescription: "escapes, and none in CONNECT",
            wire: "SEND\na\\cb:x\\ny\\r\\\\\n\n\0CONNECT\nhost:a\\cb:9\n\n\0",
            frames: [
                StompFrame(.send, [StompHeader("a:b", "x\ny\r\\")]),
                StompFrame(.connect, [StompHeader("host", "a\\cb:9")]),
            ]
        ),
        Sample(
            testDescription: "an unknown command survives",
            wire: "NOVEL\nkey:\n\n\0",
            frames: [StompFrame(StompCommand(rawValue: "NOVEL"), [StompHeader("key", "")])]
        ),
    ]

    @Test(arguments: samples)
    func decodes(_ sample: Sample) throws {
        var decoder = StompDecoder()
        decoder.append(ByteBuffer(string: sample.wire))
        #expect(try frames(&decoder) == sample.frames)
        #expect(decoder.pendingBytes == 0, "every byte is accounted for")
    }

    @Test("one byte at a time gives the same frames", arguments: samples)
    func decodesSlowly(_ sample: Sample) throws {
        var decoder = StompDecoder()
        var seen: [StompFrame] = []
        for byte in sample.wire.utf8 {
            decoder.append(ByteBuffer(bytes: [byte]))
            seen += try frames(&decoder)
        }
        #expect(seen == sample.frames)
    }

    @Test("what is written reads back", arguments: samples)
    func roundTrip(_ sample: Sample) throws {
        var buffer = ByteBuffer()
        for frame in sample.frames { buffer.writeStompFrame(frame) }
        var decoder = StompDecoder()
        decoder.append(buffer)
        let plain = try frames(&decoder).map { frame in
            // The writer adds the length of a body.
            sample.frames.contains(frame)
                ? frame
                : StompFrame(frame.command, frame.headers.filter { $0.name != "content-length" }, body: frame.body)
        }
        #expect(plain == sample.frames)
    }

    @Test("no strict prefix is a frame", arguments: samples)
    func prefixes(_ sample: Sample) throws {
        var whole = ByteBuffer()
        whole.writeStompFrame(try #require(sample.frames.first))
        for length in 0..<whole.readableBytes {
            var decoder = StompDecoder()
            decoder.append(try #require(whole.getSlice(at: 0, length: length)))
            #expect(try decoder.nextFrame() == nil, "\(length) bytes")
        }
    }

    @Test("every byte flipped: a frame, an error or a wait, never a trap", arguments: samples)
    func flips(_ sample: Sample) {
        for (index, mask) in sample.wire.utf8.indices.flatMap({ index in (0..<8).map { (index, UInt8(1) << $0) } }) {
            var bytes = Array(sample.wire.utf8)
            bytes[sample.wire.utf8.distance(from: sample.wire.startIndex, to: index)] ^= mask
            var decoder = StompDecoder()
            decoder.append(ByteBuffer(bytes: bytes))
            let seen = (try? frames(&decoder)) ?? []
            #expect(seen.count <= sample.frames.count + 2)
        }
    }

    struct Refusal: CustomTestStringConvertible {
        var testDescription: String
        var wire: String
        var error: StompError
    }

    @Test(arguments: [
        Refusal(testDescription: "no colon", wire: "SEND\nbad\n\n\0", error: .malformedHeader),
        Refusal(testDescription: "no name", wire: "SEND\n:x\n\n\0", error: .malformedHeader),
        Refusal(testDescription: "escape", wire: "SEND\na:\\t\n\n\0", error: .undefinedEscape),
        Refusal(testDescription: "escape at the end", wire: "SEND\na:\\\n\n\0", error: .undefinedEscape),
        Refusal(testDescription: "length", wire: "SEND\ncontent-length:-1\n\n\0", error: .malformedContentLength),
        Refusal(
            testDescription: "length past Int",
            wire: "SEND\ncontent-length:99999999999999999999\n\n",
            error: .malformedContentLength
        ),
        Refusal(testDescription: "big", wire: "SEND\ncontent-length:65\n\n", error: .bodyTooLong(limit: 64)),
        Refusal(testDescription: "terminator", wire: "SEND\ncontent-length:1\n\nab\0", error: .missingTerminator),
        Refusal(
            testDescription: "endless body",
            wire: "SEND\n\n" + String(repeating: "x", count: 65),
            error: .bodyTooLong(limit: 64)
        ),
        Refusal(
            testDescription: "endless headers",
            wire: "SEND\na:" + String(repeating: "x", count: 200),
            error: .headersTooLong(limit: 128)
        ),
        Refusal(
            testDescription: "many headers",
            wire: "SEND\na:1\nb:1\nc:1\nd:1\ne:1\n\n\0",
            error: .tooManyHeaders(limit: 4)
        ),
    ])
    func refuses(_ sample: Refusal) {
        var limits = StompDecoder.Limits()
        (limits.headerBytes, limits.headers, limits.bodyBytes) = (128, 4, 64)
        var decoder = StompDecoder(limits: limits)
        decoder.append(ByteBuffer(string: sample.wire))
        #expect(throws: sample.error) { try frames(&decoder) }
    }

    @Test func refusesWhatIsNotText() {
        var decoder = StompDecoder()
        decoder.append(ByteBuffer(bytes: Array("SEND\na:".utf8) + [0xFF] + Array("\n\n\0".utf8)))
        #expect(throws: StompError.notText) { try decoder.nextFrame() }
    }

    @Test("the first of two equal headers counts")
    func firstHeaderWins() throws {
        var decoder = StompDecoder()
        decoder.append(ByteBuffer(string: "SEND\ncontent-length:1\ncontent-length:9\n\nx\0"))
        #expect(try decoder.nextFrame()?.body == ByteBuffer(string: "x"))
    }

    @Test("a line end in CONNECTED can not make a header")
    func connectedIsNotInjectable() throws {
        var buffer = ByteBuffer()
        buffer.writeStompFrame(StompFrame(.connected, [StompHeader("server", "a\nversion:9")]))
        var decoder = StompDecoder()
        decoder.append(buffer)
        #expect(try decoder.nextFrame()?["version"] == nil)
    }

    private func frames(_ decoder: inout StompDecoder) throws -> [StompFrame] {
        var seen: [StompFrame] = []
        while let frame = try decoder.nextFrame() { seen.append(frame) }
        return seen
    }
}

@Suite struct StompDetectorTests {
    @Test(arguments: [
        ("CONNECT\n", StompDetector.Verdict.stomp), ("CONNECTED\r\n", .stomp), ("\n\nSUBSCRIBE\nid:1", .stomp),
        ("", .needsMore), ("CON", .needsMore), ("CONNECT", .needsMore), ("\n", .needsMore),
        ("GET / HTTP/1.1\r\n", .unknown), ("CONNECTOR\n", .unknown), ("connect\n", .unknown), ("\0\0", .unknown),
    ])
    func verdict(text: String, verdict: StompDetector.Verdict) {
        #expect(StompDetector.verdict(on: Array(text.utf8)) == verdict)
    }
}
