import Crypto
import Foundation
import HostModel
import SwiftASN1
import X509

/// The installation's own CA: one ECDSA P-256 key that signs the engine's and the hosts' certificates.
struct CertificateAuthority: Sendable {
    let certificate: Certificate
    private let key: P256.Signing.PrivateKey
    private let organization: String

    /// 7300 days, as oVirt's.
    static let lifetime: TimeInterval = 7300 * day
    /// VdsCertificateValidityInDays.
    static let leafLifetime: TimeInterval = 1827 * day
    static let day: TimeInterval = 86400

    init(certificate: Certificate, key: P256.Signing.PrivateKey, organization: String) throws(EngineError) {
        guard P256.Signing.PublicKey(certificate.publicKey)?.derRepresentation == key.publicKey.derRepresentation else {
            throw EngineError(
                .failed,
                "The CA's key does not belong to the CA's certificate.",
                remedy: "Restore pki/ from a backup."
            )
        }
        (self.certificate, self.key, self.organization) = (certificate, key, organization)
    }

    /// A new CA: subject `O=<organization>, CN=<engine address>.<5 digits>`, valid from a day ago, so that a clock that
    /// is a little late accepts it.
    static func make(organization: String, engineAddress: String, now: Date) throws -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let mark = String(Int.random(in: 10_000...99_999))
        let name = try subject(organization, commonName: "\(engineAddress.prefix(58)).\(mark)")
        let publicKey = Certificate.PublicKey(key.publicKey)
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        let certificate = try Certificate(
            version: .v3,
            serialNumber: serialNumber(),
            publicKey: publicKey,
            notValidBefore: now - day,
            notValidAfter: now + lifetime,
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                identifier
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        return try CertificateAuthority(certificate: certificate, key: key, organization: organization)
    }

    /// A certificate for a role at an address, for a key that the caller has checked. Nothing of a request but its key
    /// gets into it.
    /// `further`: other names and addresses of the same server. `usages`: what else than to be met by TLS it is for.
    func issue(
        role: LeafRole,
        address: String,
        further: [String] = [],
        key publicKey: P256.Signing.PublicKey,
        usages: [ExtendedKeyUsage.Usage] = [.serverAuth, .clientAuth],
        lifetime: TimeInterval = leafLifetime,
        now: Date
    ) throws -> Certificate {
        let publicKey = Certificate.PublicKey(publicKey)
        return try Certificate(
            version: .v3,
            serialNumber: Self.serialNumber(),
            publicKey: publicKey,
            notValidBefore: now - Self.day,
            notValidAfter: min(now + lifetime, certificate.notValidAfter),
            issuer: certificate.subject,
            subject: try Self.subject(organization, commonName: String(address.prefix(64))),
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                Critical(try ExtendedKeyUsage(usages))
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                SubjectAlternativeNames(
                    [.uniformResourceIdentifier(role.uri)] + ([address] + further).map(Self.generalName)
                )
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
    }

    func pem() throws -> String { try certificate.serializeAsPEM().pemString }
    var keyPEM: String { key.pemRepresentation }

    /// SubjectPublicKeyInfo in DER, the part of the approval code's transcript.
    var publicKeyInfo: [UInt8] { [UInt8](key.publicKey.derRepresentation) }

    /// SHA-256 of the certificate's DER in lower-case hex: what a person compares.
    func fingerprint() -> String { Self.fingerprint(of: certificate) }

    static func fingerprint(of certificate: Certificate) -> String {
        var serializer = DER.Serializer()
        do { try serializer.serialize(certificate) } catch {
            preconditionFailure("a certificate that was read can be written")
        }
        return SHA256.hash(data: serializer.serializedBytes).hexDigits
    }

    private static func subject(_ organization: String, commonName: String) throws -> DistinguishedName {
        try DistinguishedName {
            OrganizationName(organization)
            CommonName(commonName)
        }
    }

    static func generalName(_ address: String) -> GeneralName {
        guard let address = IPAddress(address) else { return .dnsName(address) }
        return .ipAddress(ASN1OctetString(contentBytes: address.octets[...]))
    }

    /// 159 random bits: RFC 5280 allows 20 octets, and the sign bit stays clear. Never zero.
    private static func serialNumber() -> Certificate.SerialNumber {
        var bytes = (0..<20).map { _ in UInt8.random(in: .min ... .max) }
        bytes[0] = bytes[0] & 0x7F | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }
}

extension Sequence<UInt8> {
    /// Two lower-case hex digits a byte.
    var hexDigits: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}
