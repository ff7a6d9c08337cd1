import Crypto

/// What a boot server keeps on its disk, with a digest in front, so that a file that was cut or changed is found out: 16
/// bytes of magic, the SHA-256 of the payload, the payload.
enum SealedFile {
    static let magic = Array("muster-sealed-1\n".utf8)
    private static let digestBytes = 32

    static func encode(_ payload: [UInt8]) -> [UInt8] {
        magic + Array(SHA256.hash(data: payload)) + payload
    }

    /// `nil` for anything but what `encode` made, whole.
    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        let header = magic.count + digestBytes
        guard bytes.count >= header, bytes.starts(with: magic) else { return nil }
        let payload = Array(bytes[header...])
        guard SHA256.hash(data: payload) == bytes[magic.count..<header] else { return nil }
        return payload
    }
}
