import COpenSSL

/// The certificates by which an image is trusted: that of the key that signs now, and those of keys that were rotated
/// out. Baked into every image as `/etc/muster/image-signing.pem`.
package struct TrustedCertificates: Hashable, Sendable {
    /// The most certificates, and the most bytes of their file.
    package static let countMax = 16
    package static let bytesMax = 128 << 10
    /// The largest signature read, in bytes.
    package static let signatureBytesMax = 64 << 10

    /// In the order of the file; never empty.
    package let certificates: [SigningCertificate]

    /// Keeps the first of equal ones. `nil` for none at all, and for more than `countMax`.
    package init?(_ certificates: [SigningCertificate]) {
        var kept: [SigningCertificate] = []
        for certificate in certificates where !kept.contains(certificate) { kept.append(certificate) }
        guard (1...Self.countMax).contains(kept.count) else { return nil }
        self.certificates = kept
    }

    /// Reads PEM certificates that stand one after the other; text between them is a comment.
    package init(pem: [UInt8]) throws(SigningError) {
        let remedy = "name a file with 1 to \(Self.countMax) X.509 certificates in PEM"
        guard pem.count <= Self.bytesMax else {
            throw SigningError(.malformed, "the certificates are over \(Self.bytesMax >> 10) KiB", remedy: remedy)
        }
        let bio = try Handle.memory(pem)
        var certificates: [SigningCertificate] = []
        while let parsed = PEM_read_bio_X509(bio.pointer, nil, noPassphrase, nil) {
            defer { X509_free(parsed) }
            certificates.append(try SigningCertificate(parsed))
            guard certificates.count <= Self.countMax else { break }
        }
        guard muster_pem_ended(ERR_peek_last_error()) != 0 || certificates.count > Self.countMax else {
            throw .malformed("a certificate", remedy: remedy)
        }
        ERR_clear_error()
        guard let trusted = TrustedCertificates(certificates) else {
            throw SigningError(.malformed, "there are \(certificates.count) certificates", remedy: remedy)
        }
        self = trusted
    }

    package var pem: String { certificates.map(\.pem).joined() }

    /// Checks a detached CMS signature (RFC 5652, DER) over `content`, and gives the certificate that it is by.
    ///
    /// Only the certificates of this set count, not those that the signature brings along; the digest must be SHA-256, and
    /// every signer must be trusted.
    package func verify(_ signature: [UInt8], over content: [UInt8]) throws(SigningError) -> SigningCertificate {
        let cms = try Self.parse(signature)
        let stack = try makeStack()
        defer { muster_certificates_free(stack) }
        let input = try Handle.memory(content)
        let flags = CUnsignedInt(CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) | CUnsignedInt(CMS_NOINTERN)
        guard CMS_verify(cms.pointer, stack, nil, input.pointer, nil, flags) == 1 else {
            throw SigningError(
                .refused,
                "the signature does not hold: \(SigningError.queuedReason())",
                remedy: "do not use these files; fetch or build them again, and name the certificates that signed them"
            )
        }
        guard let signers = CMS_get0_signers(cms.pointer) else { throw .library("read who signed") }
        defer { muster_certificates_free_list(signers) }
        guard let first = muster_certificates_at(signers, 0) else { throw .library("read who signed") }
        return try SigningCertificate(first)
    }

    private static func parse(_ signature: [UInt8]) throws(SigningError) -> Handle {
        let remedy = "build the image again with its key"
        guard signature.count <= signatureBytesMax else {
            throw SigningError(.malformed, "the signature is over \(signatureBytesMax >> 10) KiB", remedy: remedy)
        }
        let bio = try Handle.memory(signature)
        guard let parsed = d2i_CMS_bio(bio.pointer, nil) else { throw .malformed("the signature", remedy: remedy) }
        let cms = try Handle(parsed, freedBy: { CMS_ContentInfo_free($0) }, "read the signature")
        let isSigned = OBJ_obj2nid(CMS_get0_type(cms.pointer)) == NID_pkcs7_signed
        guard isSigned, bio.contents().isEmpty, CMS_is_detached(cms.pointer) == 1 else {
            throw SigningError(.malformed, "the signature is no detached CMS signature", remedy: remedy)
        }
        let signers = muster_signers_count(cms.pointer)
        guard signers > 0, (0..<signers).allSatisfy({ muster_signer_digest(cms.pointer, $0) == NID_sha256 }) else {
            throw SigningError(.refused, "the signature is not over a SHA-256", remedy: remedy)
        }
        return cms
    }

    /// A stack that owns its certificates.
    private func makeStack() throws(SigningError) -> OpaquePointer {
        guard let stack = muster_certificates_new() else { throw .library("allocate memory") }
        do throws(SigningError) {
            for certificate in certificates {
                let object = try certificate.object()
                try check(X509_up_ref(object.pointer), "share a certificate")
                guard muster_certificates_push(stack, object.pointer) == 1 else {
                    X509_free(object.pointer)
                    throw .library("allocate memory")
                }
            }
        } catch {
            muster_certificates_free(stack)
            throw error
        }
        return stack
    }
}
