import Crypto
import Foundation
import Glibc
import SwiftASN1
import X509

/// `pki/`: the CA, the engine's own leaf, and its key for SSH. Keys are 0600 from their first byte.
struct KeyDirectory: Sendable {
    let path: String

    private var authorityPath: String { "\(path)/ca.pem" }
    private var authorityKeyPath: String { "\(path)/ca.key" }
    private var enginePath: String { "\(path)/engine.pem" }
    private var engineKeyPath: String { "\(path)/engine.key" }
    private var sshKeyPath: String { sshKeyFile }
    /// Another certificate for the web listener and its key, in one file, so that they are never of two pairs.
    private var webPath: String { "\(path)/web.pem" }

    /// The private key that ssh reads when the engine signs in to a server.
    var sshKeyFile: String { "\(path)/ssh.key" }

    /// The engine's leaf is renewed when it has fewer days than this.
    static let renewalDays: Double = 30
    /// The most bytes read of one file.
    private static let bytesMax = 2 * WebCertificate.bytesMax

    func save(_ authority: CertificateAuthority) throws(EngineError) {
        try DurableFile.makeDirectory(path, mode: 0o700)
        try DurableFile.write(authority.keyPEM.utf8, to: authorityKeyPath, mode: 0o600)
        try DurableFile.write(try pem(authority.certificate).utf8, to: authorityPath, mode: 0o644)
    }

    func authority(organization: String) throws(EngineError) -> CertificateAuthority {
        let (certificatePEM, keyPEM) = (try read(authorityPath), try read(authorityKeyPath))
        guard let certificate = try? Certificate(pemEncoded: certificatePEM) else { throw broken(authorityPath) }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: keyPEM) else { throw broken(authorityKeyPath) }
        return try CertificateAuthority(certificate: certificate, key: key, organization: organization)
    }

    /// The engine's leaf and key; a new one where there is none, where it names another address, or where it ends soon.
    func engineIdentity(
        of authority: CertificateAuthority,
        address: String,
        now: Date
    ) throws(EngineError) -> EngineIdentity {
        if let identity = try? readIdentity(), identity.isGood(for: address, by: authority, at: now) { return identity }
        let key = P256.Signing.PrivateKey()
        guard
            let certificate = try? authority.issue(role: .engine, address: address, key: key.publicKey, now: now)
        else { throw EngineError(.failed, "The CA could not sign the engine's certificate.") }
        try DurableFile.write(key.pemRepresentation.utf8, to: engineKeyPath, mode: 0o600)
        try DurableFile.write(try pem(certificate).utf8, to: enginePath, mode: 0o644)
        return EngineIdentity(
            certificate: certificate,
            pem: try pem(certificate),
            keyPEM: key.pemRepresentation,
            key: key
        )
    }

    /// The key for SSH; a new one where there is none yet, as in an installation that an older engine made.
    func sshKey() throws(EngineError) -> SSHKey {
        if FileManager.default.fileExists(atPath: sshKeyPath) {
            let pem = try read(sshKeyPath)
            guard let key = try? SSHKey(pem: pem) else { throw broken(sshKeyPath) }
            return key
        }
        guard let key = try? SSHKey.make() else { throw EngineError(.failed, "The key for SSH could not be made.") }
        try DurableFile.write(key.pem.utf8, to: sshKeyPath, mode: 0o600)
        return key
    }

    /// `nil`: HTTPS shows the engine's own certificate.
    func web() throws(EngineError) -> WebCertificate? {
        guard FileManager.default.fileExists(atPath: webPath) else { return nil }
        let pem = try read(webPath)
        do { return try WebCertificate(certificates: pem, key: pem) } catch {
            throw EngineError(
                .failed,
                "\(webPath) is not what it should be: \(error.detail)",
                remedy: "Give the certificate anew: muster-engine certificate --tls-cert FILE --tls-key FILE, or --own."
            )
        }
    }

    func setWeb(_ certificate: WebCertificate?) throws(EngineError) {
        guard let certificate else {
            guard unlink(webPath) == 0 || errno == ENOENT else { throw DurableFile.failure("remove \(webPath)") }
            return try DurableFile.syncDirectory(of: webPath)
        }
        let text = certificate.keyPEM + certificate.pem
        // As it is read at each start: what could not be would keep the engine from it.
        _ = try WebCertificate(certificates: text, key: text)
        try DurableFile.write(text.utf8, to: webPath, mode: 0o600, like: path)
    }

    /// The CA's certificate alone, which needs no key.
    func authorityCertificate() throws(EngineError) -> Certificate {
        let pem = try read(authorityPath)
        guard let certificate = try? Certificate(pemEncoded: pem) else { throw broken(authorityPath) }
        return certificate
    }

    private func readIdentity() throws(EngineError) -> EngineIdentity {
        let (certificatePEM, keyPEM) = (try read(enginePath), try read(engineKeyPath))
        guard let certificate = try? Certificate(pemEncoded: certificatePEM) else { throw broken(enginePath) }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: keyPEM) else { throw broken(engineKeyPath) }
        return EngineIdentity(certificate: certificate, pem: certificatePEM, keyPEM: keyPEM, key: key)
    }

    private func pem(_ certificate: Certificate) throws(EngineError) -> String {
        guard let text = try? certificate.serializeAsPEM().pemString else {
            throw EngineError(.failed, "A certificate could not be written as PEM.")
        }
        return text + "\n"
    }

    private func read(_ file: String) throws(EngineError) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw EngineError(
                .failed,
                "\(file) cannot be read.",
                remedy: "Run `muster-engine init`, or restore pki/ from a backup."
            )
        }
        guard data.count <= Self.bytesMax else { throw broken(file) }
        return String(decoding: data, as: UTF8.self)
    }

    private func broken(_ file: String) -> EngineError {
        EngineError(.failed, "\(file) is not what it should be.", remedy: "Restore pki/ from a backup.")
    }
}

/// The engine's leaf, with its key.
struct EngineIdentity: Sendable {
    let certificate: Certificate
    let pem: String
    let keyPEM: String
    let key: P256.Signing.PrivateKey

    func isGood(for address: String, by authority: CertificateAuthority, at now: Date) -> Bool {
        let names = try? certificate.extensions.subjectAlternativeNames
        let wanted = CertificateAuthority.generalName(address)
        return names?.contains(wanted) == true
            && names?.contains(.uniformResourceIdentifier(LeafRole.engine.uri)) == true
            && authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
            && P256.Signing.PublicKey(certificate.publicKey)?.rawRepresentation == key.publicKey.rawRepresentation
            && certificate.notValidBefore <= now
            && certificate.notValidAfter > now + KeyDirectory.renewalDays * CertificateAuthority.day
    }
}
