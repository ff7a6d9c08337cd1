import SwiftASN1
import X509

/// `SignerInfo` of RFC 5652, section 5.3, in the profile that `ImageSignature` takes.
struct SignerInformation: DERParseable, Sendable {
    /// 1 with issuer and serial number, 3 with a key identifier.
    let version: Int
    let algorithm: Certificate.SignatureAlgorithm
    let signature: [UInt8]
    /// `nil` where the signature is over the content itself (RFC 5652, section 5.4).
    let attributes: SignedAttributes?
    private let name: Name

    struct SignedAttributes: Sendable {
        /// The SHA-256 of the content, as it was signed.
        let messageDigest: [UInt8]
        /// The attributes in the form that the signature is over: a SET (RFC 5652, section 5.4).
        let signedBytes: [UInt8]
    }

    private enum Name: Sendable {
        /// The DER of the certificate's issuer, and of its serial number.
        case issuer([UInt8], serial: [UInt8])
        case keyIdentifier([UInt8])
    }

    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in try SignerInformation(&nodes) }
    }

    private init(_ nodes: inout ASN1NodeCollection.Iterator) throws {
        version = try Int(derEncoded: &nodes)
        name = try Self.name(&nodes)
        if case .issuer = name {
            try ImageSignature.expect(version == 1, "the signer's version is not 1")
        } else {
            try ImageSignature.expect(version == 3, "the signer's version is not 3")
        }
        _ = try DigestAlgorithm(derEncoded: &nodes)
        attributes = try Self.attributes(&nodes)
        algorithm = try SignatureAlgorithm(derEncoded: &nodes).algorithm
        signature = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
        try ImageSignature.expect(nodes.next() == nil, "it has unsigned attributes")
    }

    private static let attributesTag = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)

    /// True when the signer says to be the owner of this certificate.
    func isBy(_ certificate: Certificate) -> Bool {
        switch name {
        case .issuer(let issuer, let serial):
            guard let known = try? ImageSignature.der(certificate.issuer) else { return false }
            return known == issuer && Array(certificate.serialNumber.bytes) == serial
        case .keyIdentifier(let identifier):
            guard let known = try? certificate.extensions.subjectKeyIdentifier else { return false }
            return Array(known.keyIdentifier) == identifier
        }
    }

    private static func attributes(_ nodes: inout ASN1NodeCollection.Iterator) throws -> SignedAttributes? {
        var ahead = nodes
        guard let node = ahead.next(), node.identifier == attributesTag else { return nil }
        nodes = ahead
        return SignedAttributes(
            messageDigest: try messageDigest(node),
            signedBytes: [0x31] + node.encodedBytes.dropFirst()
        )
    }

    private static func name(_ nodes: inout ASN1NodeCollection.Iterator) throws -> Name {
        guard let node = nodes.next() else { throw ImageSignature.Refusal.malformed("it names no signer") }
        if case .primitive(let bytes) = node.content, node.identifier == attributesTag {
            return .keyIdentifier(Array(bytes))
        }
        return try DER.sequence(node, identifier: .sequence) { nodes in
            guard let issuer = nodes.next() else { throw ImageSignature.Refusal.malformed("it names no issuer") }
            let serial = try ArraySlice<UInt8>(derEncoded: &nodes)
            return .issuer(Array(issuer.encodedBytes), serial: Array(serial))
        }
    }

    /// Each attribute stands once; the content's type is plain data.
    private static func messageDigest(_ node: ASN1Node) throws -> [UInt8] {
        guard case .constructed(let attributes) = node.content else {
            throw ImageSignature.Refusal.malformed("its signed attributes are no set")
        }
        var digest: [UInt8]?
        var seen: Set<ASN1ObjectIdentifier> = []
        for attribute in attributes {
            try DER.sequence(attribute, identifier: .sequence) { nodes in
                let type = try ASN1ObjectIdentifier(derEncoded: &nodes)
                try ImageSignature.expect(seen.insert(type).inserted, "it has an attribute twice")
                guard let values = nodes.next(), case .constructed(let list) = values.content else {
                    throw ImageSignature.Refusal.malformed("an attribute has no values")
                }
                var value = list.makeIterator()
                switch type {
                case .contentType:
                    let content = try ASN1ObjectIdentifier(derEncoded: &value)
                    try ImageSignature.expect(content == .data && value.next() == nil, "it signs no plain data")
                case .messageDigest:
                    digest = Array(try ASN1OctetString(derEncoded: &value).bytes)
                    try ImageSignature.expect(value.next() == nil, "it has two message digests")
                default: break
                }
            }
        }
        guard let digest, seen.contains(.contentType) else {
            throw ImageSignature.Refusal.malformed("it lacks the attributes of a signature")
        }
        return digest
    }
}

/// An AlgorithmIdentifier that must be SHA-256, with no parameters or NULL.
struct DigestAlgorithm: DERParseable {
    init(derEncoded node: ASN1Node) throws {
        let identifier = try algorithmIdentifier(node)
        try ImageSignature.expect(identifier == .sha256, "its digest is not SHA-256")
    }
}

/// An AlgorithmIdentifier of a signature: RSA (named by its key, as OpenSSL does, or with its digest) or ECDSA.
struct SignatureAlgorithm: DERParseable {
    let algorithm: Certificate.SignatureAlgorithm

    init(derEncoded node: ASN1Node) throws {
        switch try algorithmIdentifier(node) {
        case .AlgorithmIdentifier.rsaEncryption, .sha256WithRSA: algorithm = .sha256WithRSAEncryption
        case .ecdsaWithSHA256: algorithm = .ecdsaWithSHA256
        default: throw ImageSignature.Refusal.malformed("its algorithm is neither RSA nor ECDSA with SHA-256")
        }
    }
}

private func algorithmIdentifier(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
    try DER.sequence(node, identifier: .sequence) { nodes in
        let identifier = try ASN1ObjectIdentifier(derEncoded: &nodes)
        if let parameters = nodes.next() {
            _ = try ASN1Null(derEncoded: parameters)
        }
        return identifier
    }
}
