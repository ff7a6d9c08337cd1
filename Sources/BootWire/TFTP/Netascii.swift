package import NIOCore

/// The text form of TFTP (RFC 764): a line ends with CR LF, and a bare CR is CR NUL.
package enum Netascii {
    /// The whole text as it goes over the wire; at most twice as long.
    package static func encoded(_ text: ByteBuffer) -> ByteBuffer {
        var encoded = ByteBuffer()
        encoded.reserveCapacity(text.readableBytes + text.readableBytes / 16)
        for byte in text.readableBytesView {
            switch byte {
            case 10: encoded.writeMultipleIntegers(UInt8(13), UInt8(10))
            case 13: encoded.writeMultipleIntegers(UInt8(13), UInt8(0))
            default: encoded.writeInteger(byte)
            }
        }
        return encoded
    }
}
