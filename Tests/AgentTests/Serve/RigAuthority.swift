import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A CA for one test, and leaves with the roles of docs/protocols.md 1.6.
struct RigAuthority {
    struct Leaf {
        var certificate: Certificate
        var certificatePEM: String
        var keyPEM: String

        func der() throws -> [UInt8] {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
    }

    let pem: String
    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName

    init() throws {
        name = try DistinguishedName { CommonName("test authority") }
        let certificate = try Self.certificate(name, key.publicKey, by: name, key, [], isAuthority: true)
        pem = try certificate.serializeAsPEM().pemString
    }

    /// `uri` is the leaf's role; `nil` for a leaf that names none.
    func leaf(
        _ uri: String?,
        for leafKey: P256.Signing.PrivateKey = P256.Signing.PrivateKey(),
        endsIn seconds: Double = 86400
    ) throws -> Leaf {
        let subject = try DistinguishedName { CommonName("leaf") }
        let names = uri.map { [GeneralName.uniformResourceIdentifier($0)] } ?? [.dnsName("node.example")]
        let certificate = try Self.certificate(
            subject,
            leafKey.publicKey,
            by: name,
            key,
            names,
            isAuthority: false,
            endsIn: seconds
        )
        return Leaf(
            certificate: certificate,
            certificatePEM: try certificate.serializeAsPEM().pemString,
            keyPEM: leafKey.pemRepresentation
        )
    }

    private static func certificate(
        _ subject: DistinguishedName,
        _ publicKey: P256.Signing.PublicKey,
        by issuer: DistinguishedName,
        _ key: P256.Signing.PrivateKey,
        _ names: [GeneralName],
        isAuthority: Bool,
        endsIn seconds: Double = 86400
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(publicKey),
            notValidBefore: Date.now - 86400,
            notValidAfter: Date.now + seconds,
            issuer: issuer,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(
                    isAuthority
                        ? BasicConstraints.isCertificateAuthority(maxPathLength: 0)
                        : BasicConstraints.notCertificateAuthority
                )
                if !names.isEmpty { SubjectAlternativeNames(names) }
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
    }
}
