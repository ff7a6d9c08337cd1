package import Crypto
package import HostModel
import SwiftASN1
import SystemPackage
import X509

/// The node's key and what is signed with it. Made once; the key never leaves the node.
package struct NodeIdentity: Sendable {
    package let key: P256.Signing.PrivateKey

    package static let fileName = "key.pem"

    package init(key: P256.Signing.PrivateKey) { self.key = key }

    /// SubjectPublicKeyInfo in DER.
    package var publicKey: [UInt8] { Array(key.publicKey.derRepresentation) }

    /// Reads the key of the state directory, or makes one: mode 0640, readable for `group`, the unprivileged `serve`.
    ///
    /// A file that holds no key is an error and not a reason to make a new one: a person may want it back.
    package static func load(from state: NodeDirectory, group: UInt32) throws -> NodeIdentity {
        if let bytes = try state.read(fileName) {
            guard let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: bytes, as: UTF8.self))
            else {
                throw UnreadableKey(path: state.file(fileName).string)
            }
            return NodeIdentity(key: key)
        }
        let key = P256.Signing.PrivateKey()
        try state.write(
            Array((key.pemRepresentation + "\n").utf8),
            to: fileName,
            permissions: [.ownerReadWrite, .groupRead],
            group: group
        )
        return NodeIdentity(key: key)
    }

    /// PKCS #10 in PEM. The engine decides the subject of the certificate; the name here is for whoever reads the request.
    package func certificateRequest(name: HostName?) throws -> String {
        let subject = try DistinguishedName { CommonName(name?.rawValue ?? "node") }
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: subject,
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        return try request.serializeAsPEM().pemString + "\n"
    }
}

/// `key.pem` is there and holds no ECDSA P-256 key.
package struct UnreadableKey: Error, CustomStringConvertible {
    package var path: String

    package var description: String {
        "\(path) holds no ECDSA P-256 key; remove the file and start again, then the node asks for approval with a new key"
    }
}
