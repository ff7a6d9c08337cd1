import BootWire
import NIOCore
import Testing

@Suite struct TFTPPacketTests {
    static func text(_ string: String) -> [UInt8] { Array(string.utf8) }

    static func request(_ name: String, _ mode: TFTPRequest.Mode = .octet, _ options: [(String, String)] = [])
        -> TFTPRequest
    {
        TFTPRequest(
            fileName: text(name),
            mode: mode,
            options: options.map { TFTPOption(name: text($0.0), value: text($0.1)) }
        )
    }

    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var wire: [UInt8]
        var packet: TFTPPacket

        init(_ name: String, _ wire: [UInt8], _ packet: TFTPPacket) {
            (testDescription, self.wire, self.packet) = (name, wire, packet)
        }
    }

    static let cases = [
        Case("read", [0, 1] + text("a\0octet\0"), .readRequest(request("a"))),
        Case("write", [0, 2] + text("a\0netascii\0"), .writeRequest(request("a", .netascii))),
        Case("mail", [0, 1] + text("a\0mail\0"), .readRequest(request("a", .unknown(text("mail"))))),
        Case(
            "options in their order",
            [0, 1] + text("a\0octet\0tsize\u{0}0\0blksize\u{0}1468\0"),
            .readRequest(request("a", .octet, [("tsize", "0"), ("blksize", "1468")]))
        ),
        Case(
            "empty value",
            [0, 1] + text("a\0octet\0multicast\0\0"),
            .readRequest(request("a", .octet, [("multicast", "")]))
        ),
        Case("data", [0, 3, 1, 2, 9, 8], .data(block: 258, ByteBuffer(bytes: [9, 8]))),
        Case("last data", [0, 3, 0, 7], .data(block: 7, ByteBuffer())),
        Case("acknowledgement", [0, 4, 255, 255], .acknowledgement(block: 65535)),
        Case("error", [0, 5, 0, 8] + text("no\0"), .error(.optionsRefused, message: text("no"))),
        Case("error of tomorrow", [0, 5, 1, 0, 0], .error(TFTPErrorCode(rawValue: 256), message: [])),
        Case("options", [0, 6] + text("blksize\u{0}8\0"), .optionAcknowledgement([TFTPOption(.blockSize, 8)])),
    ]

    @Test(arguments: cases)
    func roundTrips(_ sample: Case) throws {
        #expect(try TFTPPacket(parsing: ByteBuffer(bytes: sample.wire)) == sample.packet)
        #expect(Array(sample.packet.encoded.readableBytesView) == sample.wire)
    }

    @Test("T11, T30: every prefix and every flipped byte is read or refused, and never traps", arguments: cases)
    func survivesDamage(_ sample: Case) {
        for length in 0..<sample.wire.count {
            _ = try? TFTPPacket(parsing: ByteBuffer(bytes: sample.wire.prefix(length)))
        }
        for index in sample.wire.indices {
            for mask: UInt8 in [1, 0x80, 0xFF] {
                var wire = sample.wire
                wire[index] ^= mask
                guard let packet = try? TFTPPacket(parsing: ByteBuffer(bytes: wire)) else { continue }
                #expect((try? TFTPPacket(parsing: packet.encoded)) == packet)
            }
        }
    }

    @Test(
        arguments: [
            ([], .truncated), ([0], .truncated), ([0, 0], .unknownOperation(0)), ([0, 7], .unknownOperation(7)),
            ([255, 255], .unknownOperation(65535)), ([0, 4, 0], .truncated), ([0, 1, 97], .truncated),
            ([0, 1, 97, 0, 111], .truncated),
        ] as [([UInt8], TFTPWireError)]
    )
    func refuses(wire: [UInt8], error: TFTPWireError) {
        #expect(throws: error) { try TFTPPacket(parsing: ByteBuffer(bytes: wire)) }
    }

    @Test("T28: a name of 600 bytes is no request")
    func boundsARequest() throws {
        let long = [0, 1] + Array(repeating: UInt8(97), count: 600) + Self.text("\0octet\0")
        #expect(throws: TFTPWireError.fileNameTooLong(600)) { try TFTPPacket(parsing: ByteBuffer(bytes: long)) }
        let many = [0, 1] + Self.text("a\0octet\0") + (0..<100).flatMap { _ in Self.text("x\u{0}1\0") }
        guard case .readRequest(let request) = try TFTPPacket(parsing: ByteBuffer(bytes: many)) else {
            Issue.record("not a read request")
            return
        }
        #expect(request.options.count == TFTPRequest.optionsMax)
    }

    @Test("T10, T11: an option without its value, or a value without its end, is none")
    func ignoresHalfOptions() throws {
        for tail in ["blksize", "blksize\0", "blksize\u{0}1468"] {
            let wire = [0, 1] + Self.text("a\0octet\0" + tail)
            #expect(try TFTPPacket(parsing: ByteBuffer(bytes: wire)) == .readRequest(Self.request("a")))
        }
    }
}
