import Crypto
import HostModel
import SwiftASN1
import X509

/// The one thing that counts in a PKCS #10 request: a P-256 key whose owner signed it. Subject, attributes and
/// requested extensions are the machine's wishes and are never looked at.
struct CertificateRequest: Hashable, Sendable {
    /// SubjectPublicKeyInfo in DER.
    let publicKeyInfo: [UInt8]

    var key: P256.Signing.PublicKey {
        get throws { try P256.Signing.PublicKey(derRepresentation: publicKeyInfo) }
    }

    /// Checks the size first, then the form, the kind of key, and the request's own signature.
    init(pem: String, bytesMax: Int) throws(EngineError) {
        guard pem.utf8.count <= bytesMax else {
            throw EngineError(.invalid, "The certificate request is larger than \(bytesMax) bytes.")
        }
        guard let request = try? CertificateSigningRequest(pemEncoded: pem) else {
            throw EngineError(.invalid, "The certificate request is not PKCS #10 in PEM.")
        }
        guard let key = P256.Signing.PublicKey(request.publicKey) else {
            throw EngineError(
                .invalid,
                "The key of the certificate request is not an ECDSA P-256 key.",
                remedy: "Make the node's key on curve P-256."
            )
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw EngineError(.invalid, "The certificate request is not signed by its own key.")
        }
        publicKeyInfo = [UInt8](key.derRepresentation)
    }
}

/// `SHA256:` and the base64, without padding, of the digest of a SubjectPublicKeyInfo.
func keyFingerprint(_ publicKeyInfo: some Sequence<UInt8>) -> String {
    let digest = SHA256.hash(data: Array(publicKeyInfo))
    return "SHA256:" + base64Unpadded(Array(digest))
}

private func base64Unpadded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
        for symbol in 0...group.count { text.append(alphabet[Int(bits >> (18 - 6 * UInt32(symbol)) & 63)]) }
    }
    return text
}
