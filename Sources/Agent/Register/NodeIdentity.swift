package import Crypto
package import HostModel
import SwiftASN1
import SystemPackage
import X509

/// The node's key and what is signed with it. The key never leaves the node.
package struct NodeIdentity: Sendable {
    package let key: P256.Signing.PrivateKey

    package static let fileName = "key.pem"

    package init(key: P256.Signing.PrivateKey) { self.key = key }

    /// SubjectPublicKeyInfo in DER.
    package var publicKey: [UInt8] { Array(key.publicKey.derRepresentation) }

    /// The key of the state directory; `nil` when there is none or the file holds none.
    ///
    /// Good only together with a certificate of this node's engine: a state partition may have had another tenant, who
    /// kept a copy of the key that he left on it.
    package static func stored(in state: NodeDirectory) -> NodeIdentity? { read(from: state) }

    /// The key of claims that wait for approval, made when there is none. It lies in the directory of this boot, root's
    /// only: a key that came from a disk is never in a new claim.
    package static func pending(in run: NodeDirectory) throws -> NodeIdentity {
        if let identity = read(from: run) { return identity }
        let identity = NodeIdentity(key: P256.Signing.PrivateKey())
        try run.write(identity.pem, to: fileName, permissions: [.ownerReadWrite])
        return identity
    }

    /// Keeps the key of an approved claim: mode 0640, readable for `group`, the unprivileged `serve`.
    package func store(in state: NodeDirectory, group: UInt32) throws(FileFailure) {
        try state.write(pem, to: Self.fileName, permissions: [.ownerReadWrite, .groupRead], group: group)
    }

    private var pem: [UInt8] { Array((key.pemRepresentation + "\n").utf8) }

    private static func read(from directory: NodeDirectory) -> NodeIdentity? {
        guard let bytes = try? directory.read(fileName),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: bytes, as: UTF8.self))
        else { return nil }
        return NodeIdentity(key: key)
    }

    /// The node's address, signed for one claim.
    package func notice(of address: IPv4Address, for claim: UniqueID) -> AddressNotice? {
        let said = AddressNotice.transcript(claim: claim, address: address)
        guard let signature = try? key.signature(for: said) else { return nil }
        return AddressNotice(address: address, signature: Array(signature.derRepresentation))
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
