import BootWire
import Testing

@Suite struct TFTPTermsTests {
    static let limits = TFTPTerms.Limits(mtu: 1500)

    @Test("T36: over IPv6 a block is shorter, by the longer header")
    func fitsIPv6() {
        let request = TFTPRequest(
            fileName: Array("x".utf8),
            mode: .octet,
            options: [TFTPOption(.blockSize, 1468)]
        )
        let terms = TFTPTerms(settling: request, size: 9, limits: TFTPTerms.Limits(mtu: 1500, isIPv6: true))
        #expect(terms.blockSize == 1448 && terms.acknowledged == [TFTPOption(.blockSize, 1448)])
    }

    struct Case: CustomTestStringConvertible {
        var asked: [(String, String)]
        var answered: [(String, String)]
        var testDescription: String { asked.map { "\($0) \($1)" }.joined(separator: ", ") }
    }

    @Test(
        "T6, T7, T8, T9, T10, T13, T16: what is asked for, and what is answered",
        arguments: [
            Case(asked: [], answered: []),
            Case(asked: [("tsize", "0")], answered: [("tsize", "1000")]),
            Case(asked: [("blksize", "8")], answered: [("blksize", "8")]),
            Case(asked: [("blksize", "512")], answered: [("blksize", "512")]),
            Case(asked: [("blksize", "1468")], answered: [("blksize", "1468")]),
            Case(asked: [("blksize", "65464")], answered: [("blksize", "1468")]),
            Case(asked: [("blksize", "99999999999")], answered: [("blksize", "1468")]),
            Case(asked: [("blksize", "99999999999999999999999")], answered: []),
            Case(asked: [("blksize", "7")], answered: []),
            Case(asked: [("blksize", "0")], answered: []),
            Case(asked: [("blksize", "-1")], answered: []),
            Case(asked: [("blksize", "abc")], answered: []),
            Case(asked: [("blksize", "")], answered: []),
            Case(asked: [("BLKSIZE", "1432"), ("Tsize", "0")], answered: [("BLKSIZE", "1432"), ("Tsize", "1000")]),
            Case(asked: [("msftwindow", "31416")], answered: []),
            Case(asked: [("multicast", "")], answered: []),
            Case(asked: [("windowsize", "4")], answered: [("windowsize", "4")]),
            Case(asked: [("windowsize", "0")], answered: []),
            Case(asked: [("windowsize", "65535")], answered: [("windowsize", "64")]),
            Case(asked: [("timeout", "3")], answered: [("timeout", "3")]),
            Case(asked: [("timeout", "0")], answered: []),
            Case(asked: [("timeout", "10")], answered: [("timeout", "10")]),
            Case(asked: [("timeout", "11")], answered: []),
            Case(asked: [("timeout", "255")], answered: []),
            Case(asked: [("timeout", "256")], answered: []),
            // OVMF's first request: the order stays.
            Case(
                asked: [("tsize", "0"), ("blksize", "1468"), ("windowsize", "4")],
                answered: [("tsize", "1000"), ("blksize", "1468"), ("windowsize", "4")]
            ),
            Case(asked: [("blksize", "1000"), ("blksize", "900")], answered: [("blksize", "1000")]),
        ]
    )
    func settles(_ sample: Case) {
        let request = TFTPPacketTests.request("a", .octet, sample.asked)
        let terms = TFTPTerms(settling: request, size: 1000, limits: Self.limits)
        #expect(terms.acknowledged == TFTPPacketTests.request("a", .octet, sample.answered).options)
    }

    @Test("a window of large blocks is shorter, whichever option comes first", arguments: [true, false])
    func boundsTheWindow(isWindowFirst: Bool) {
        let options = [("windowsize", "64"), ("blksize", "65464")]
        let asked = isWindowFirst ? options : options.reversed()
        let request = TFTPPacketTests.request("a", .octet, asked)
        let terms = TFTPTerms(settling: request, size: 1, limits: .init(mtu: 65_536))
        let answered = asked.map { ($0.0, $0.0 == "windowsize" ? "4" : $0.1) }
        #expect(terms.acknowledged == TFTPPacketTests.request("a", .octet, answered).options)
        #expect(terms.windowSize == 4 && terms.blockSize == 65_464)
    }

    @Test func goesByWhatItAnswers() {
        let request = TFTPPacketTests.request(
            "a",
            .octet,
            [("blksize", "1024"), ("windowsize", "8"), ("timeout", "5")]
        )
        let terms = TFTPTerms(settling: request, size: 1, limits: Self.limits)
        #expect(terms.blockSize == 1024 && terms.windowSize == 8 && terms.timeout == .seconds(5))
        let plain = TFTPTerms(settling: TFTPPacketTests.request("a"), size: 1, limits: Self.limits)
        #expect(plain.blockSize == 512 && plain.windowSize == 1 && plain.timeout == .seconds(1))
    }

    @Test("T31: a text's size is not known before it is sent, and its windows cannot be found again")
    func settlesText() {
        let request = TFTPPacketTests.request("a", .netascii, [("tsize", "0"), ("windowsize", "8")])
        let terms = TFTPTerms(settling: request, size: 1, limits: Self.limits)
        #expect(terms.acknowledged == [TFTPOption(.windowSize, 1)])
    }

    @Test(
        "T6: a block is what the link carries whole",
        arguments: [(1500, 1468), (9000, 8968), (576, 544), (68, 512), (100_000, 65464)]
    )
    func fitsTheLink(mtu: Int, block: Int) {
        #expect(TFTPTerms.Limits(mtu: mtu).blockSizeMax == block)
    }
}
