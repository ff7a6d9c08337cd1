import COpenSSL

/// A key that signs images, its certificate, and the certificates that are trusted beside it. Holds the secret in memory.
package struct ImageSigner: Sendable {
    /// Bits of a new RSA key.
    package static let keyBits = 3072
    /// Keys below it are not used, in bits.
    package static let keyBitsMin = 2048
    /// How long a new certificate is valid, in days. After it a key still signs; `muster image key show` warns.
    package static let validDays: Int64 = 3650
    private static let day: Int64 = 86_400

    /// PKCS#8, DER, not encrypted.
    let privateKey: [UInt8]
    package let certificate: SigningCertificate
    /// The own certificate comes first.
    package let trusted: TrustedCertificates

    init(
        privateKey: [UInt8],
        certificate: SigningCertificate,
        trusted earlier: [SigningCertificate]
    ) throws(SigningError) {
        guard let trusted = TrustedCertificates([certificate] + earlier) else {
            throw SigningError(
                .malformed,
                "there are more than \(TrustedCertificates.countMax) trusted certificates",
                remedy: "take the oldest out of the key's \(ImageKeyDirectory.trustedName)"
            )
        }
        (self.privateKey, self.certificate, self.trusted) = (privateKey, certificate, trusted)
    }

    /// Makes a key and its self-signed certificate. `now` is in seconds since 1970; notBefore is a day earlier, for nodes
    /// whose clock is behind.
    package static func generate(
        name: String,
        now: Int64,
        trusted earlier: [SigningCertificate] = []
    ) throws(SigningError) -> ImageSigner {
        let key = try makeKey()
        let certificate = try makeCertificate(key.pointer, name: name, now: now)
        let der = try Handle.memory()
        try check(i2d_PKCS8PrivateKey_bio(der.pointer, key.pointer, nil, nil, 0, nil, nil), "encode the key")
        return try ImageSigner(privateKey: der.contents(), certificate: certificate, trusted: earlier)
    }

    /// A detached CMS signature over `content`: DER, SHA-256, with the signer's certificate and without signed attributes,
    /// so that it holds no time and the same bytes give the same signature.
    package func sign(_ content: [UInt8]) throws(SigningError) -> [UInt8] {
        let key = try keyObject()
        let signer = try certificate.object()
        let input = try Handle.memory(content)
        let flags = CUnsignedInt(CMS_BINARY | CMS_DETACHED | CMS_NOATTR | CMS_NOSMIMECAP | CMS_PARTIAL)
        let cms = try Handle(
            CMS_sign(nil, nil, nil, nil, flags),
            freedBy: { CMS_ContentInfo_free($0) },
            "begin the signature"
        )
        guard CMS_add1_signer(cms.pointer, signer.pointer, key.pointer, EVP_sha256(), flags) != nil else {
            throw .library("sign")
        }
        try check(CMS_final(cms.pointer, input.pointer, nil, flags), "sign")
        let output = try Handle.memory()
        try check(i2d_CMS_bio(output.pointer, cms.pointer), "encode the signature")
        return output.contents()
    }

    func keyObject() throws(SigningError) -> Handle {
        let bio = try Handle.memory(privateKey)
        return try Handle(d2i_PrivateKey_bio(bio.pointer, nil), freedBy: { EVP_PKEY_free($0) }, "decode the key")
    }

    private static func makeKey() throws(SigningError) -> Handle {
        let context = try Handle(
            EVP_PKEY_CTX_new_from_name(nil, "RSA", nil),
            freedBy: { EVP_PKEY_CTX_free($0) },
            "prepare an RSA key"
        )
        try check(EVP_PKEY_keygen_init(context.pointer), "prepare an RSA key")
        try check(EVP_PKEY_CTX_set_rsa_keygen_bits(context.pointer, CInt(keyBits)), "prepare an RSA key")
        var key: OpaquePointer?
        try check(EVP_PKEY_generate(context.pointer, &key), "make an RSA key")
        return try Handle(key, freedBy: { EVP_PKEY_free($0) }, "make an RSA key")
    }

    private static func makeCertificate(
        _ key: OpaquePointer,
        name: String,
        now: Int64
    ) throws(SigningError) -> SigningCertificate {
        let certificate = try Handle(X509_new(), freedBy: { X509_free($0) }, "allocate memory")
        let x509 = certificate.pointer
        try check(X509_set_version(x509, 2), "set the certificate's version")
        let serial = UInt64.random(in: 1...UInt64(Int64.max))
        try check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial), "set the certificate's serial number")
        guard ASN1_TIME_set(X509_getm_notBefore(x509), time(now - day)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(x509), time(now + validDays * day)) != nil
        else { throw .library("set the certificate's dates") }
        let subject = X509_get_subject_name(x509)
        let common = Array(name.utf8)
        try check(
            X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, common, CInt(common.count), -1, 0),
            "set the certificate's name"
        )
        try check(X509_set_issuer_name(x509, subject), "set the certificate's issuer")
        try check(X509_set_pubkey(x509, key), "set the certificate's key")
        // No extended key usage: `openssl cms -verify` asks for S/MIME's unless there is none.
        try extend(x509, NID_basic_constraints, "critical,CA:FALSE")
        try extend(x509, NID_key_usage, "critical,digitalSignature")
        try extend(x509, NID_subject_key_identifier, "hash")
        guard X509_sign(x509, key, EVP_sha256()) > 0 else { throw .library("sign the certificate") }
        return try SigningCertificate(x509)
    }

    private static func time(_ seconds: Int64) -> time_t { time_t(seconds) }

    private static func extend(_ x509: OpaquePointer, _ kind: CInt, _ value: String) throws(SigningError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, x509, x509, nil, nil, 0)
        let `extension` = try Handle(
            X509V3_EXT_conf_nid(nil, &context, kind, value),
            freedBy: { X509_EXTENSION_free($0) },
            "make a certificate's extension"
        )
        try check(X509_add_ext(x509, `extension`.pointer, -1), "add a certificate's extension")
    }
}
