import Crypto
package import Foundation
import HostModel
import SwiftASN1
import X509

/// Another certificate than the engine's own for its web listener: what browsers and programs know already. Nodes and whoever
/// pins the engine's CA go on with the engine's own.
package struct WebCertificate: Sendable {
    /// The chain in PEM, leaf first, each the issuer of the one before.
    package let pem: String
    /// PKCS #8 or SEC 1, not encrypted.
    package let keyPEM: String
    let leaf: Certificate

    package static let certificatesMax = 16
    static let bytesMax = 65536

    /// Names that the certificate is for: DNS names, addresses.
    package var names: [String] {
        ((try? leaf.extensions.subjectAlternativeNames) ?? nil)?.compactMap { name in
            switch name {
            case .dnsName(let name): name
            case .ipAddress(let address): Self.text(address)
            default: nil
            }
        } ?? []
    }

    package var end: Date { leaf.notValidAfter }
    package var subject: String { "\(leaf.subject)" }
    package var issuer: String { "\(leaf.issuer)" }

    /// Reads a pair as it is stored: whole, whatever the time.
    init(certificates: String, key: String) throws(EngineError) {
        let chain = try Self.chain(certificates)
        guard let leaf = chain.first else { throw Self.noCertificate }
        let (key, document) = try Self.key(key)
        guard key.publicKey == leaf.publicKey else {
            throw Self.refusal(
                "The key is not that of the certificate.",
                "Give the key that the certificate was requested with; the leaf stands first in the file of certificates."
            )
        }
        self.leaf = leaf
        pem = try chain.map { certificate throws(EngineError) in
            guard let text = try? certificate.serializeAsPEM().pemString else { throw Self.noCertificate }
            return text + "\n"
        }.joined()
        keyPEM = document.pemString + "\n"
    }

    /// Reads a pair that is to be used from now on.
    package init(certificates: String, key: String, now: Date) throws(EngineError) {
        let chain = try Self.chain(certificates)
        // Browsers have no Ed25519 in TLS.
        if let leaf = chain.first, Curve25519.Signing.PublicKey(leaf.publicKey) != nil { throw Self.unreadable }
        try self.init(certificates: certificates, key: key)
        for certificate in chain {
            let name = terminalEscaped("\(certificate.subject)")
            guard certificate.notValidBefore <= now else {
                throw Self.refusal(
                    "The certificate of \(name) is not valid before \(Self.text(certificate.notValidBefore)).",
                    "Look at the clock of this machine, or wait."
                )
            }
            guard certificate.notValidAfter > now else {
                throw Self.refusal(
                    "The certificate of \(name) ended on \(Self.text(certificate.notValidAfter)).",
                    "Give its successor."
                )
            }
        }
        let usages = (try? leaf.extensions.extendedKeyUsage) ?? nil
        guard usages.map({ $0.contains(.serverAuth) || $0.contains(.any) }) ?? true else {
            throw Self.refusal("The certificate is none for servers.", "Have one made with the usage serverAuth.")
        }
    }

    package init(certificateFile: String, keyFile: String, now: Date) throws(EngineError) {
        try self.init(certificates: Self.read(certificateFile), key: Self.read(keyFile), now: now)
    }

    /// Whether clients that dial this name or address accept it.
    package func isFor(_ address: String) -> Bool {
        names.contains { name in
            if name.lowercased() == address.lowercased() { return true }
            guard name.hasPrefix("*."), let dot = address.firstIndex(of: ".") else { return false }
            return IPv4Address(address) == nil && name.dropFirst().lowercased() == address[dot...].lowercased()
        }
    }
}

// MARK: - Reading

extension WebCertificate {
    private static func chain(_ pem: String) throws(EngineError) -> [Certificate] {
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem) else { throw noCertificate }
        // A key may stand in the same file.
        let certificates = documents.filter { $0.discriminator == "CERTIFICATE" }
        guard !certificates.isEmpty, certificates.count <= certificatesMax else { throw noCertificate }
        let chain = certificates.compactMap { try? Certificate(pemDocument: $0) }
        guard chain.count == certificates.count else { throw unreadable }
        for (certificate, issuer) in zip(chain, chain.dropFirst())
        where !issuer.publicKey.isValidSignature(certificate.signature, for: certificate) {
            throw refusal(
                "\(terminalEscaped("\(issuer.subject)")) did not sign the certificate before it in the file, that of "
                    + "\(terminalEscaped("\(certificate.subject)")).",
                "Put the leaf first, and behind each certificate that of its issuer."
            )
        }
        return chain
    }

    private static func key(_ pem: String) throws(EngineError) -> (Certificate.PrivateKey, PEMDocument) {
        let documents = (try? PEMDocument.parseMultiple(pemString: pem)) ?? []
        guard !documents.contains(where: { $0.discriminator == "ENCRYPTED PRIVATE KEY" }),
            !pem.contains("Proc-Type: 4,ENCRYPTED")
        else { throw refusal("The key is encrypted.", "Write it without: openssl pkey -in KEY -out PLAIN-KEY.") }
        let keys = documents.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
        guard let document = keys.first, keys.count == 1, let key = try? Certificate.PrivateKey(pemDocument: document)
        else {
            throw refusal(
                "The file of the key has no private key that is read here.",
                "Give one key in PEM, RSA or ECDSA on P-256, P-384 or P-521: openssl pkey -in KEY."
            )
        }
        return (key, document)
    }

    private static func read(_ file: String) throws(EngineError) -> String {
        guard let handle = FileHandle(forReadingAtPath: file), let data = try? handle.read(upToCount: bytesMax + 1)
        else {
            throw refusal("\(terminalEscaped(file)) cannot be read.", "Check its path and permissions.")
        }
        guard data.count <= bytesMax else {
            throw refusal(
                "\(terminalEscaped(file)) has more than \(bytesMax >> 10) KiB.",
                "Give certificates or a key in PEM."
            )
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static var unreadable: EngineError {
        refusal(
            "A certificate of the file cannot be read: it is damaged, or its key is of a kind that is not taken.",
            "Have one made with an RSA key of 2048 bits or more, or an ECDSA key on P-256, P-384 or P-521."
        )
    }

    private static var noCertificate: EngineError {
        refusal(
            "The file of certificates has no chain of 1 to \(certificatesMax) certificates in PEM.",
            "Give the leaf and behind it its issuers, without the root or with it."
        )
    }

    private static func refusal(_ sentence: String, _ remedy: String) -> EngineError {
        EngineError(.invalid, sentence, remedy: remedy)
    }

    private static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    private static func text(_ address: ASN1OctetString) -> String? {
        let bytes = Array(address.bytes)
        return bytes.count == 4 ? bytes.map { "\($0)" }.joined(separator: ".") : nil
    }
}
