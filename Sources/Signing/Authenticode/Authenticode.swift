import COpenSSL

/// The one form of Authenticode signature that is written and accepted here ("Windows Authenticode Portable Executable
/// Signature Format"; PKCS#7 1.5, RFC 2315): SHA-256, one RSA signer with its certificate, and of signed attributes the two
/// that must be there.
struct Authenticode {
    private typealias DER = DistinguishedEncoding

    private static let signedData = DER.object(1, 2, 840, 113_549, 1, 7, 2)
    private static let contentType = DER.object(1, 2, 840, 113_549, 1, 9, 3)
    private static let messageDigest = DER.object(1, 2, 840, 113_549, 1, 9, 4)
    private static let rsa = DER.sequence(DER.object(1, 2, 840, 113_549, 1, 1, 1), DER.null)
    private static let sha256 = DER.sequence(DER.object(2, 16, 840, 1, 101, 3, 4, 2, 1), DER.null)
    private static let indirectData = DER.object(1, 3, 6, 1, 4, 1, 311, 2, 1, 4)
    private static let imageData = DER.object(1, 3, 6, 1, 4, 1, 311, 2, 1, 15)
    /// WIN_CERTIFICATE: length (32 bits), revision 2.0, type PKCS#7 SignedData.
    private static let headerSize = 8
    private static let header: [UInt8] = [0x00, 0x02, 0x02, 0x00]
    /// Bytes of the RSA signatures that are looked for: 2048 to 4096 bits.
    private static let signatureSizes = [256, 384, 512]

    /// What the signature is over: a SET OF two attributes.
    let attributes: [UInt8]
    private let content: [UInt8]
    private let certificate: [UInt8]
    private let issuerAndSerial: [UInt8]

    /// `digest`: of the program (`digest(of:)`).
    init(digest: [UInt8], certificate: SigningCertificate) throws(SigningError) {
        // SpcPeImageData: no flags, and a link to nothing (an empty SpcString).
        let nowhere = DER.tagged(0, DER.tagged(2, [0x80, 0x00]))
        let parts =
            DER.sequence(Self.imageData, DER.sequence([0x03, 0x01, 0x00], nowhere))
            + DER.sequence(Self.sha256, DER.octets(digest))
        content = DER.element(0x30, parts)
        // PKCS#7 1.5 takes the digest of the content without its own tag and length.
        attributes = DER.set(
            DER.sequence(Self.contentType, DER.set(Self.indirectData)),
            DER.sequence(Self.messageDigest, DER.set(DER.octets(try Self.digest([parts]))))
        )
        self.certificate = certificate.der
        issuerAndSerial = try Self.issuerAndSerial(of: certificate)
    }

    /// The entry of the certificate table with this signature over `attributes`, not yet filled up to eight bytes.
    func encoded(_ signature: [UInt8]) -> [UInt8] {
        let signer = DER.sequence(
            DER.small(1),
            issuerAndSerial,
            Self.sha256,
            // The same bytes, tagged [0] in the place of SET OF.
            [0xA0] + attributes.dropFirst(),
            Self.rsa,
            DER.octets(signature)
        )
        let signed = DER.sequence(
            DER.small(1),
            DER.set(Self.sha256),
            DER.sequence(Self.indirectData, DER.tagged(0, content)),
            DER.tagged(0, certificate),
            DER.set(signer)
        )
        let message = DER.sequence(Self.signedData, DER.tagged(0, signed))
        var entry = [UInt8](repeating: 0, count: 4) + Self.header + message
        Self.put(entry.count, at: 0, in: &entry)
        return entry
    }

    /// The signature of a table that is this one but for it; `nil` for any other table.
    func signature(in table: [UInt8]) -> [UInt8]? {
        for size in Self.signatureSizes where table.count > size {
            let length = encoded([UInt8](repeating: 0, count: size)).count
            guard table.count == length + (-length & 7) else { continue }
            let signature = Array(table[(length - size)..<length])
            let wanted = encoded(signature)
            if table == wanted + [UInt8](repeating: 0, count: -length & 7) { return signature }
        }
        return nil
    }

    /// SHA-256 over a program: all of it but the checksum, the entry of the certificate table, and the table.
    static func digest(of bytes: [UInt8], _ place: EFIProgram) throws(SigningError) -> [UInt8] {
        try digest([
            bytes[..<place.checksum], bytes[(place.checksum + 4)..<place.certificateEntry],
            bytes[(place.certificateEntry + 8)..<place.end],
        ])
    }

    private static func digest(_ parts: [some Collection<UInt8>]) throws(SigningError) -> [UInt8] {
        let context = try Handle(EVP_MD_CTX_new(), freedBy: { EVP_MD_CTX_free($0) }, "prepare a digest")
        try check(EVP_DigestInit_ex(context.pointer, EVP_sha256(), nil), "prepare a digest")
        for part in parts {
            let updated = part.withContiguousStorageIfAvailable {
                EVP_DigestUpdate(context.pointer, $0.baseAddress, $0.count)
            }
            try check(updated ?? 0, "hash")
        }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: CUnsignedInt = 0
        try check(EVP_DigestFinal_ex(context.pointer, &digest, &count), "hash")
        return Array(digest.prefix(Int(count)))
    }

    static func sign(_ content: [UInt8], with key: consuming Handle) throws(SigningError) -> [UInt8] {
        let context = try Handle(EVP_MD_CTX_new(), freedBy: { EVP_MD_CTX_free($0) }, "prepare a signature")
        try check(EVP_DigestSignInit(context.pointer, nil, EVP_sha256(), nil, key.pointer), "prepare a signature")
        var size = 0
        try check(EVP_DigestSign(context.pointer, nil, &size, content, content.count), "sign")
        var signature = [UInt8](repeating: 0, count: size)
        try check(EVP_DigestSign(context.pointer, &signature, &size, content, content.count), "sign")
        return Array(signature.prefix(size))
    }

    static func verify(
        _ signature: [UInt8],
        over content: [UInt8],
        by certificate: SigningCertificate
    ) throws(SigningError) -> Bool {
        let object = try certificate.object()
        let key = try Handle(X509_get_pubkey(object.pointer), freedBy: { EVP_PKEY_free($0) }, "read the key")
        let context = try Handle(EVP_MD_CTX_new(), freedBy: { EVP_MD_CTX_free($0) }, "prepare a signature")
        try check(EVP_DigestVerifyInit(context.pointer, nil, EVP_sha256(), nil, key.pointer), "prepare a signature")
        let result = EVP_DigestVerify(context.pointer, signature, signature.count, content, content.count)
        ERR_clear_error()
        return result == 1
    }

    private static func issuerAndSerial(of certificate: SigningCertificate) throws(SigningError) -> [UInt8] {
        let object = try certificate.object()
        let issuer = X509_get_issuer_name(object.pointer)
        let serial = X509_get0_serialNumber(object.pointer)
        let name = encoding { i2d_X509_NAME(issuer, $0) }
        let number = encoding { i2d_ASN1_INTEGER(serial, $0) }
        guard !name.isEmpty, !number.isEmpty else { throw .library("encode the certificate's name") }
        return DER.sequence(name, number)
    }

    private static func encoding(
        _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> CInt
    ) -> [UInt8] {
        let size = encode(nil)
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            var end = buffer.baseAddress
            count = max(0, Int(encode(&end)))
        }
    }

    /// Little-endian, 32 bits.
    static func put(_ value: Int, at offset: Int, in bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
    }
}
