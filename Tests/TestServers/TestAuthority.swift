import Crypto
import FoundationEssentials
package import NIOSSL
import SwiftASN1
package import X509

/// A CA of a test, and the leaves that it issues.
package struct TestAuthority {
    private let key = P256.Signing.PrivateKey()
    package let certificate: Certificate

    package init(name: String = "Test CA") throws {
        certificate = try Self.certificate(
            subject: name,
            issuer: name,
            key: key.publicKey,
            signedBy: key,
            begins: -86_400,
            lasts: 10 * 86_400,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }
        )
    }

    /// The CA's certificate.
    package var der: [UInt8] { get throws { try Self.der(certificate) } }

    /// A server configuration with a leaf for these names, valid from `begins` seconds from now for `lasts` seconds.
    package func server(
        _ names: [GeneralName],
        begins: Double = -3600,
        lasts: Double = 7200,
        usages: [ExtendedKeyUsage.Usage] = [.serverAuth, .clientAuth],
        sendsAuthority: Bool = true
    ) throws -> TLSConfiguration {
        let key = P256.Signing.PrivateKey()
        let leaf = try Self.certificate(
            subject: "leaf",
            issuer: "Test CA",
            key: key.publicKey,
            signedBy: self.key,
            begins: begins,
            lasts: lasts,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(try ExtendedKeyUsage(usages))
                SubjectAlternativeNames(names)
            }
        )
        let chain = sendsAuthority ? [leaf, certificate] : [leaf]
        return .makeServerConfiguration(
            certificateChain: try chain.map {
                NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: try Self.der($0), format: .der))
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        )
    }

    package static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    private static func certificate(
        subject: String,
        issuer: String,
        key: P256.Signing.PublicKey,
        signedBy signer: P256.Signing.PrivateKey,
        begins: Double,
        lasts: Double,
        extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key),
            notValidBefore: .now + begins,
            notValidAfter: .now + begins + lasts,
            issuer: DistinguishedName { CommonName(issuer) },
            subject: DistinguishedName { CommonName(subject) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions,
            issuerPrivateKey: .init(signer)
        )
    }
}

extension GeneralName {
    /// 127.0.0.1 as an IP SAN.
    package static let loopback = GeneralName.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))
    package static let localhost = GeneralName.dnsName("localhost")
}
