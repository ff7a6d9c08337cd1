import CryptoExtras
import Foundation

/// The key with which the engine signs in to servers by SSH. A key of its own, so that what opens servers is not what
/// stands in the web listener, and an RSA key, because servers as old as EL6 know no other kind that is still good.
struct SSHKey: Sendable {
    let pem: String
    /// `ssh-rsa BASE64` (RFC 4253, section 6.6), without a comment.
    let publicLine: String

    private init(_ key: _RSA.Signing.PrivateKey) throws {
        let numbers = try key.publicKey.getKeyPrimitives()
        let fields = [Data("ssh-rsa".utf8), Self.mpint(numbers.publicExponent), Self.mpint(numbers.modulus)]
        let blob = fields.reduce(into: Data()) { blob, field in
            blob.append(contentsOf: withUnsafeBytes(of: UInt32(field.count).bigEndian, Array.init))
            blob.append(field)
        }
        (pem, publicLine) = (key.pemRepresentation, "ssh-rsa \(blob.base64EncodedString())")
    }

    static func make() throws -> SSHKey { try SSHKey(_RSA.Signing.PrivateKey(keySize: .bits3072)) }

    /// Reads what `pem` wrote.
    init(pem: String) throws { try self.init(_RSA.Signing.PrivateKey(pemRepresentation: pem)) }

    /// RFC 4251, section 5: no leading zeros but the one that keeps a number positive.
    private static func mpint(_ bytes: Data) -> Data {
        let digits = Data(bytes.drop { $0 == 0 })
        return (digits.first ?? 0) & 0x80 == 0 ? digits : Data([0]) + digits
    }
}
