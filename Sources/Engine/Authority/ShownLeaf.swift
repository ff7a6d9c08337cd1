import SwiftASN1
import X509

/// The certificate that a client showed. Who signed it is the handshake's affair.
package struct ShownLeaf: Hashable, Sendable {
    /// The only URI among its names, such as `muster:boot/ID`; empty where there is none, or more than one.
    package var role: String
    /// SubjectPublicKeyInfo in DER.
    package var key: [UInt8]

    /// `nil` for what is no certificate.
    package init?(der: [UInt8]) {
        guard let leaf = try? Certificate(derEncoded: der) else { return nil }
        let uris = ((try? leaf.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames([]))
            .compactMap { name in
                if case .uniformResourceIdentifier(let uri) = name { return uri }
                return nil
            }
        role = uris.count == 1 ? uris[0] : ""
        var serializer = DER.Serializer()
        do { try serializer.serialize(leaf.publicKey) } catch { return nil }
        key = serializer.serializedBytes
    }
}
