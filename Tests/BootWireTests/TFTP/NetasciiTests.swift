import BootWire
import NIOCore
import Testing

@Suite struct NetasciiTests {
    @Test(
        "T31: lines end with CR LF, and a bare CR is CR NUL",
        arguments: [
            ([], []), ([97], [97]), ([97, 10], [97, 13, 10]), ([13], [13, 0]), ([13, 10], [13, 0, 13, 10]),
            ([0, 255], [0, 255]),
        ] as [([UInt8], [UInt8])]
    )
    func writesLines(text: [UInt8], wire: [UInt8]) {
        #expect(Array(Netascii.encoded(ByteBuffer(bytes: text)).readableBytesView) == wire)
    }
}
