import COpenSSL

/// The text of `key.pem`: the private key (PKCS#8, encrypted where there is a passphrase) and its certificate in one
/// file, so that one rename replaces both.
enum ImageKeyFile {
    /// The largest file read, in bytes.
    static let bytesMax = 64 << 10
    /// The longest passphrase, in bytes.
    static let passphraseBytesMax = 1024
    /// Rounds of PBKDF2 with HMAC-SHA-256 (OWASP's number of 2023).
    private static let rounds: CInt = 600_000

    static func encode(_ signer: ImageSigner, passphrase: String?) throws(SigningError) -> [UInt8] {
        let key = try signer.keyObject()
        let output = try Handle.memory()
        if let passphrase {
            let plain = try Handle(
                EVP_PKEY2PKCS8(key.pointer),
                freedBy: { PKCS8_PRIV_KEY_INFO_free($0) },
                "encode the key"
            )
            let count = CInt(passphrase.utf8.count)
            let encrypted = try Handle(
                PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase, count, nil, 0, rounds, plain.pointer),
                freedBy: { X509_SIG_free($0) },
                "encrypt the key"
            )
            try check(PEM_write_bio_PKCS8(output.pointer, encrypted.pointer), "encode the key")
        } else {
            let written = PEM_write_bio_PKCS8PrivateKey(output.pointer, key.pointer, nil, nil, 0, nil, nil)
            try check(written, "encode the key")
        }
        return output.contents() + Array(signer.certificate.pem.utf8)
    }

    /// The certificate alone; needs no passphrase.
    static func certificate(_ text: [UInt8]) throws(SigningError) -> SigningCertificate {
        let trusted = try TrustedCertificates(pem: text)
        guard let first = trusted.certificates.first else { throw unusable("it has no certificate") }
        return first
    }

    static func decode(
        _ text: [UInt8],
        passphrase: String?,
        trusted: [SigningCertificate]
    ) throws(SigningError) -> ImageSigner {
        let certificate = try certificate(text)
        let key = try readKey(text, passphrase: passphrase)
        guard EVP_PKEY_get_base_id(key.pointer) == NID_rsaEncryption,
            EVP_PKEY_get_bits(key.pointer) >= CInt(ImageSigner.keyBitsMin)
        else { throw unusable("it is no RSA key of \(ImageSigner.keyBitsMin) bits or more") }
        let object = try certificate.object()
        guard X509_check_private_key(object.pointer, key.pointer) == 1 else {
            ERR_clear_error()
            throw unusable("its certificate is of another key")
        }
        guard X509_self_signed(object.pointer, 1) == 1 else {
            ERR_clear_error()
            throw unusable("its certificate is damaged, or not signed by the key itself")
        }
        let der = try Handle.memory()
        try check(i2d_PKCS8PrivateKey_bio(der.pointer, key.pointer, nil, nil, 0, nil, nil), "encode the key")
        return try ImageSigner(privateKey: der.contents(), certificate: certificate, trusted: trusted)
    }

    private static func readKey(_ text: [UInt8], passphrase: String?) throws(SigningError) -> Handle {
        let isEncrypted = String(decoding: text, as: UTF8.self).contains("ENCRYPTED PRIVATE KEY")
        guard !isEncrypted || passphrase != nil else {
            throw SigningError(
                .passphrase,
                "the image key is encrypted",
                remedy: "name the file with its passphrase: --key-passphrase-file FILE"
            )
        }
        let bio = try Handle.memory(text)
        var secret = Array((passphrase ?? "").utf8.prefix(passphraseBytesMax)) + [0]
        let key = secret.withUnsafeMutableBytes { secret in
            // Without a callback of one's own OpenSSL takes the last argument for the passphrase.
            passphrase == nil
                ? PEM_read_bio_PrivateKey(bio.pointer, nil, noPassphrase, nil)
                : PEM_read_bio_PrivateKey(bio.pointer, nil, nil, secret.baseAddress)
        }
        guard let key else {
            guard isEncrypted else { throw unusable("its private key is damaged: \(SigningError.queuedReason())") }
            ERR_clear_error()
            throw SigningError(
                .passphrase,
                "the passphrase does not open the image key",
                remedy: "name the file with the right one: --key-passphrase-file FILE"
            )
        }
        return try Handle(key, freedBy: { EVP_PKEY_free($0) }, "read the key")
    }

    private static func unusable(_ reason: String) -> SigningError {
        SigningError(
            .malformed,
            "the image key cannot be used: \(reason)",
            remedy: "restore \(ImageKeyDirectory.keyName) from a copy, or make another key (muster image key create)"
        )
    }
}
