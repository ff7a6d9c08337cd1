import COpenSSL

extension ImageSigner {
    /// Signs an EFI program by Authenticode, as UEFI firmware checks it under Secure Boot: a PKCS#7 SignedData over the
    /// SHA-256 of the program, behind the program. A signature that is there is replaced. It holds no time: the same
    /// program and key give the same bytes.
    package func signed(program bytes: [UInt8]) throws(SigningError) -> [UInt8] {
        let place = try EFIProgram(bytes)
        guard place.end.isMultiple(of: 8) else {
            throw SigningError(
                .malformed,
                "the EFI program does not end at a multiple of eight bytes",
                remedy: "fill it up with zeros"
            )
        }
        let signature = try Authenticode(digest: Authenticode.digest(of: bytes, place), certificate: certificate)
        let encoded = signature.encoded(try Authenticode.sign(signature.attributes, with: try keyObject()))
        let padded = encoded + [UInt8](repeating: 0, count: -encoded.count & 7)
        var result = Array(bytes[..<place.end])
        Authenticode.put(place.end, at: place.certificateEntry, in: &result)
        Authenticode.put(padded.count, at: place.certificateEntry + 4, in: &result)
        return result + padded
    }
}

extension TrustedCertificates {
    /// Checks the Authenticode signature of an EFI program that `ImageSigner` signed, and gives the certificate that it is
    /// by. Stricter than firmware: every byte of the table must be what this program writes.
    package func verify(program bytes: [UInt8]) throws(SigningError) -> SigningCertificate {
        let place = try EFIProgram(bytes)
        guard place.end < bytes.count else { throw Self.refusal("it is not signed") }
        let digest = try Authenticode.digest(of: bytes, place)
        for certificate in certificates {
            let wanted = try Authenticode(digest: digest, certificate: certificate)
            guard let signature = wanted.signature(in: Array(bytes[place.end...])) else { continue }
            if try Authenticode.verify(signature, over: wanted.attributes, by: certificate) { return certificate }
        }
        throw Self.refusal("its signature is not of these bytes, or not by a trusted key")
    }

    private static func refusal(_ reason: String) -> SigningError {
        SigningError(
            .refused,
            reason,
            remedy: "do not use this file; build or fetch it again, and name the certificates that signed it"
        )
    }
}
