import SwiftASN1
import X509

/// Certificates in the order in which they were read or sent: a peer's chain (leaf first), or the authorities of a file.
package struct CertificateChain: Hashable, Sendable {
    /// DER, one array a certificate. Not necessarily well formed when a peer sent it.
    package let certificates: [[UInt8]]

    /// The most certificates kept of one chain or file.
    package static let certificatesMax = 16

    package init(der certificates: [[UInt8]]) { self.certificates = Array(certificates.prefix(Self.certificatesMax)) }

    /// Reads every `CERTIFICATE` block of a PEM text; `nil` when there is none, too many, or one that is no certificate.
    package init?(pem: String) {
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem), !documents.isEmpty,
            documents.count <= Self.certificatesMax,
            documents.allSatisfy({ $0.discriminator == "CERTIFICATE" }),
            documents.allSatisfy({ (try? Certificate(derEncoded: $0.derBytes)) != nil })
        else { return nil }
        certificates = documents.map(\.derBytes)
    }

    package var fingerprints: [Fingerprint] { certificates.map { Fingerprint(der: $0) } }

    /// The certificate that the peer itself holds the key of.
    package var leaf: [UInt8]? { certificates.first }

    /// The chain in PEM, one block after another.
    package var pem: String {
        certificates.map { PEMDocument(type: "CERTIFICATE", derBytes: $0).pemString + "\n" }.joined()
    }
}
