import COpenSSL
import Glibc

/// A certificate by which an image's signature is checked. It is a pin: whoever holds it trusts its key, and no chain or
/// date is asked for; the dates tell people when to rotate.
package struct SigningCertificate: Hashable, Sendable {
    package let der: [UInt8]
    /// The subject's common name; hostile until escaped.
    package let name: String
    /// SHA-256 of the DER, 64 lower-case hex digits.
    package let fingerprint: String
    /// Seconds since 1970.
    package let validFrom: Int64
    package let validUntil: Int64
    /// With a final newline.
    package let pem: String

    /// Copies what there is to know of an X509.
    init(_ certificate: OpaquePointer) throws(SigningError) {
        let der = try Handle.memory()
        try check(i2d_X509_bio(der.pointer, certificate), "encode the certificate")
        let pem = try Handle.memory()
        try check(PEM_write_bio_X509(pem.pointer, certificate), "encode the certificate")
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: CUnsignedInt = 0
        try check(X509_digest(certificate, EVP_sha256(), &digest, &count), "hash the certificate")
        self.der = der.contents()
        self.pem = String(decoding: pem.contents(), as: UTF8.self)
        fingerprint = digest.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        name = Self.commonName(certificate)
        validFrom = try Self.seconds(X509_get0_notBefore(certificate))
        validUntil = try Self.seconds(X509_get0_notAfter(certificate))
    }

    /// Reads one certificate: PEM, or DER as it comes from the engine's `pki-resource`.
    package init(reading bytes: [UInt8]) throws(SigningError) {
        let remedy = "name a file with one X.509 certificate, PEM or DER"
        let bio = try Handle.memory(bytes)
        let isText = bytes.first != 0x30
        let parsed = isText ? PEM_read_bio_X509(bio.pointer, nil, noPassphrase, nil) : d2i_X509_bio(bio.pointer, nil)
        guard let parsed else { throw .malformed("the certificate", remedy: remedy) }
        defer { X509_free(parsed) }
        try self.init(parsed)
    }

    /// The certificate as OpenSSL's own object.
    func object() throws(SigningError) -> Handle {
        let bio = try Handle.memory(der)
        return try Handle(d2i_X509_bio(bio.pointer, nil), freedBy: { X509_free($0) }, "decode a certificate")
    }

    private static func commonName(_ certificate: OpaquePointer) -> String {
        let subject = X509_get_subject_name(certificate)
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index) else { return "" }
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(entry))
        defer { CRYPTO_free(bytes, #file, #line) }
        guard let bytes, count > 0 else { return "" }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) throws(SigningError) -> Int64 {
        var parts = tm()
        try check(ASN1_TIME_to_tm(time, &parts), "read the certificate's dates")
        return Int64(timegm(&parts))
    }
}

/// Answers that there is no passphrase, so that OpenSSL never asks at the terminal.
let noPassphrase: @convention(c) (UnsafeMutablePointer<CChar>?, CInt, CInt, UnsafeMutableRawPointer?) -> CInt = {
    _,
    _,
    _,
    _ in -1
}
