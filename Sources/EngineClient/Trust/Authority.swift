package import Crypto
import FoundationEssentials
package import HostModel
import SwiftASN1
package import X509

/// Why a certificate that the engine sent, or that lies in the state directory, is not taken.
package enum CertificateRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed
    /// The authority is not allowed to sign certificates, or did not sign itself.
    case authorityUnfit
    /// Not the authority whose key is in the approval code.
    case otherAuthority
    case otherKey
    case notYetValid
    case expired
    /// Its names are not exactly the role, with the id that the engine says.
    case otherRole(names: [String])

    package var description: String {
        switch self {
        case .malformed: "it is no X.509 certificate in PEM"
        case .authorityUnfit: "the certificate authority's own certificate is not fit to sign others"
        case .otherAuthority: "it was not signed by the authority that the approval code covers"
        case .otherKey: "it is for another key than this machine's"
        case .notYetValid: "it is not valid yet"
        case .expired: "it is no longer valid"
        case .otherRole(let names):
            "it is made out to \(names.isEmpty ? "nobody" : names.map { terminalEscaped($0) }.joined(separator: ", "))"
        }
    }
}

/// The engine's certificate authority as the node saw it.
package struct Authority: Hashable, Sendable {
    package let certificate: Certificate
    package let pem: String
    /// SHA-256 of the DER.
    package let fingerprint: Nonce

    /// Takes exactly one self-signed CA certificate; its time of validity is not looked at here, for the clock may be wrong.
    package init(pem: String) throws(CertificateRefusal) {
        guard let document = try? PEMDocument(pemString: pem), document.discriminator == "CERTIFICATE",
            let certificate = try? Certificate(derEncoded: document.derBytes),
            let fingerprint = Nonce(bytes: Array(SHA256.hash(data: document.derBytes)))
        else { throw .malformed }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate),
            Self.maySign(certificate)
        else { throw .authorityUnfit }
        (self.certificate, self.pem, self.fingerprint) = (certificate, pem, fingerprint)
    }

    /// SubjectPublicKeyInfo in DER.
    package var publicKey: [UInt8] {
        var serializer = DER.Serializer()
        try? serializer.serialize(certificate.publicKey)
        return serializer.serializedBytes
    }

    /// RFC 5280, 4.2.1.9 and 4.2.1.3.
    private static func maySign(_ certificate: Certificate) -> Bool {
        guard case .isCertificateAuthority = try? certificate.extensions.basicConstraints else { return false }
        do {
            return try certificate.extensions.keyUsage?.keyCertSign ?? true
        } catch {
            return false
        }
    }

    /// Checks a chain in PEM, leaf first, as this machine's: our key, this authority's signature, valid `now` (seconds since
    /// 1970; `nil` where the clock is not to be trusted yet), and named exactly by its role, `muster:host/ID` or
    /// `muster:boot/ID`.
    package func check(
        chain: String,
        isFor key: P256.Signing.PublicKey,
        role: String,
        now: Int64?
    ) throws(CertificateRefusal) {
        guard let document = try? PEMDocument.parseMultiple(pemString: chain).first,
            let leaf = try? Certificate(derEncoded: document.derBytes)
        else { throw .malformed }
        guard leaf.publicKey == Certificate.PublicKey(key) else { throw .otherKey }
        guard leaf.issuer == certificate.subject, certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
        else {
            throw .otherAuthority
        }
        let names = Self.names(of: leaf)
        guard names == [role] else { throw .otherRole(names: names) }
        guard let now else { return }
        for each in [certificate, leaf] { try Self.checkValidity(of: each, now: now) }
    }

    /// When the leaf of a chain in PEM ends, in seconds since 1970; `nil` where there is none.
    package static func end(of chain: String) -> Int64? {
        guard let document = try? PEMDocument.parseMultiple(pemString: chain).first,
            let leaf = try? Certificate(derEncoded: document.derBytes)
        else { return nil }
        return Int64(leaf.notValidAfter.timeIntervalSince1970)
    }

    private static func names(of leaf: Certificate) -> [String] {
        guard let names = try? leaf.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { return uri }
            return nil
        }
    }

    private static func checkValidity(of certificate: Certificate, now: Int64) throws(CertificateRefusal) {
        let now = Date(timeIntervalSince1970: Double(now))
        if now < certificate.notValidBefore { throw .notYetValid }
        if now > certificate.notValidAfter { throw .expired }
    }
}
