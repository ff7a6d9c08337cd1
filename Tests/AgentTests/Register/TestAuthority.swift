import Crypto
import FoundationEssentials
import HostModel
import SwiftASN1
import X509

/// A certificate authority of an engine that is not there.
struct TestAuthority {
    let key = P256.Signing.PrivateKey()
    let certificate: Certificate

    /// A time at which everything made here is valid.
    static let now: Int64 = 1_790_000_000
    private static let day: Double = 86400

    init(name: String = "Muster CA", mayGive: Bool = true) throws {
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Self.date(-1),
            notValidAfter: Self.date(3650),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(mayGive ? BasicConstraints.isCertificateAuthority(maxPathLength: 0) : .notCertificateAuthority)
            },
            issuerPrivateKey: .init(key)
        )
    }

    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }

    static func date(_ days: Double) -> Date { Date(timeIntervalSince1970: Double(now) + days * day) }

    /// A leaf in PEM.
    func issue(
        for key: P256.Signing.PublicKey,
        names: [String],
        from: Double = -1,
        to: Double = 365
    ) throws -> String {
        let leaf = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key),
            notValidBefore: Self.date(from),
            notValidAfter: Self.date(to),
            issuer: certificate.subject,
            subject: try DistinguishedName { CommonName("10.77.0.100") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames(names.map { .uniformResourceIdentifier($0) })
            },
            issuerPrivateKey: .init(self.key)
        )
        return try leaf.serializeAsPEM().pemString + "\n"
    }

    /// SHA-256 of the DER.
    var fingerprint: Nonce? {
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(certificate)) != nil else { return nil }
        return Nonce(bytes: Array(SHA256.hash(data: serializer.serializedBytes)))
    }
}
