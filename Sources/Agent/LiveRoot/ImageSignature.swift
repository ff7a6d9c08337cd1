import Crypto
import FoundationEssentials
import SwiftASN1
package import X509

/// A detached CMS signature (RFC 5652) of an image's manifest, `manifest.json.p7s`, in DER.
///
/// The smallest profile that `muster image build` and `openssl cms -sign` write: one signer, SHA-256, with or without signed
/// attributes, RSA (PKCS #1 v1.5) or ECDSA. Everything else is refused, so that no byte of it can be changed without notice. The certificate that
/// signed is one of those baked into the initramfs, and trusted as such: neither its chain nor its dates are looked at,
/// because the clock of a machine that boots may say anything.
package struct ImageSignature: Sendable {
    package enum Refusal: Error, Hashable, Sendable {
        /// Not the profile above; says where.
        case malformed(String)
        /// None of the trusted certificates is the signer's.
        case unknownSigner
        /// The signature is over other content.
        case otherContent
        /// The signer's key did not make it.
        case forged
    }

    private let signer: SignerInformation
    private let certificates: [[UInt8]]

    /// The longest signature read, in bytes.
    package static let bytesMax = 64 << 10

    package init(der bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.bytesMax else { throw .malformed("it is over \(Self.bytesMax) bytes") }
        do {
            (signer, certificates) = try Self.parse(try DER.parse(bytes))
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw .malformed("it is no CMS signature in DER")
        }
    }

    /// Throws unless one of the trusted certificates signed exactly this content.
    package func verify(_ content: [UInt8], trusting trusted: [Certificate]) throws(Refusal) {
        guard let certificate = trusted.first(where: signer.isBy) else { throw .unknownSigner }
        let known = trusted.map { (try? Self.der($0)) ?? [] }
        guard certificates.allSatisfy(known.contains) else { throw .malformed("it carries a foreign certificate") }
        if let attributes = signer.attributes {
            guard Array(SHA256.hash(data: content)) == attributes.messageDigest else { throw .otherContent }
            guard isSigned(attributes.signedBytes, by: certificate) else { throw .forged }
        } else {
            // Attributes of another signature, passed off as content, are no manifest: JSON does not begin with a SET's tag.
            guard content.first != 0x31, isSigned(content, by: certificate) else { throw .otherContent }
        }
    }

    private func isSigned(_ bytes: [UInt8], by certificate: Certificate) -> Bool {
        certificate.publicKey.isValidSignature(signer.signature, for: bytes, signatureAlgorithm: signer.algorithm)
    }

    private static func parse(_ root: ASN1Node) throws -> (SignerInformation, [[UInt8]]) {
        try DER.sequence(root, identifier: .sequence) { nodes in
            try expect(try ASN1ObjectIdentifier(derEncoded: &nodes) == .signedData, "its content is no signed data")
            return try DER.explicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try DER.sequence(node, identifier: .sequence) { try parseSignedData(&$0) }
            }
        }
    }

    private static func parseSignedData(
        _ nodes: inout ASN1NodeCollection.Iterator
    ) throws -> (SignerInformation, [[UInt8]]) {
        let version = try Int(derEncoded: &nodes)
        let digests = try DER.set(of: DigestAlgorithm.self, identifier: .set, nodes: &nodes)
        try expect(digests.count == 1, "it names \(digests.count) digests")
        guard let content = nodes.next() else { throw Refusal.malformed("it names no content") }
        let isDetached = try DER.sequence(content, identifier: .sequence) { nodes in
            try expect(try ASN1ObjectIdentifier(derEncoded: &nodes) == .data, "it signs no plain data")
            return nodes.next() == nil
        }
        try expect(isDetached, "it carries content of its own")
        let certificates = DER.optionalImplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
            guard case .constructed(let children) = node.content else { return [[UInt8]]() }
            return children.map { Array($0.encodedBytes) }
        }
        let signers = try DER.set(of: SignerInformation.self, identifier: .set, nodes: &nodes)
        try expect(signers.count == 1 && nodes.next() == nil, "it has \(signers.count) signers")
        try expect(version == signers[0].version, "its version does not fit its signer")
        return (signers[0], certificates ?? [])
    }

    static func der(_ value: some DERSerializable) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(value)
        return serializer.serializedBytes
    }

    static func expect(_ condition: Bool, _ reason: String) throws(Refusal) {
        guard condition else { throw .malformed(reason) }
    }
}

extension ImageSignature.Refusal: CustomStringConvertible {
    /// The end of a sentence that begins with "the signature of the manifest".
    package var description: String {
        switch self {
        case .malformed(let reason): "is not of the expected form: \(reason)"
        case .unknownSigner: "is by a key that this initramfs does not trust"
        case .otherContent: "is over another manifest"
        case .forged: "was not made by the key that it names"
        }
    }
}

extension ASN1ObjectIdentifier {
    static let data: Self = [1, 2, 840, 113_549, 1, 7, 1]
    static let signedData: Self = [1, 2, 840, 113_549, 1, 7, 2]
    static let contentType: Self = [1, 2, 840, 113_549, 1, 9, 3]
    static let messageDigest: Self = [1, 2, 840, 113_549, 1, 9, 4]
    static let sha256: Self = [2, 16, 840, 1, 101, 3, 4, 2, 1]
    static let sha256WithRSA: Self = [1, 2, 840, 113_549, 1, 1, 11]
    static let ecdsaWithSHA256: Self = [1, 2, 840, 10_045, 4, 3, 2]
}
