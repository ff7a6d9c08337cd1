import Crypto
package import EngineClient
import FoundationEssentials
import Glibc
package import HostModel
import SwiftASN1
import X509

/// What makes a boot server on another segment its engine's: its key, which never leaves this machine, the certificate that an
/// approval brought, and the engine's authority.
package struct SegmentMembership: Sendable {
    package var identity: ClientIdentity
    package var authority: Authority
    package var id: UniqueID
    /// Seconds since 1970.
    package var end: Int64
}

/// The folder `engine` of the state directory.
struct MembershipFolder: Sendable {
    let directory: CacheDirectory

    /// The longest of its files.
    private static let bytesMax = 64 << 10
    private static let (keyFile, certificateFile, authorityFile) = ("key.pem", "certificate.pem", "ca.pem")
    private static let (idFile, claimFile) = ("id", "claim")

    init(stateDirectory: String) throws(CacheDirectory.Failure) {
        try CacheDirectory(stateDirectory).make()
        self.init(reading: stateDirectory)
        try directory.make()
    }

    /// For who only looks: makes nothing.
    init(reading stateDirectory: String) { directory = CacheDirectory("\(stateDirectory)/engine") }

    /// A claim that the engine has answered and nobody has decided.
    struct OpenClaim: Hashable, Sendable, Codable {
        var id: UniqueID
        var nonce: Nonce
        var engineNonce: Nonce
        /// The CA as it was seen, in PEM.
        var authority: String
        var pollSeconds: Int
        /// The TLS certificate that the first call saw, in hex.
        var peer: String
        var isOpened: Bool
    }

    /// What is kept, at the engine whose CA is `wanted` (`nil`: any); `nil` where this boot server is nobody's. Throws where
    /// something is kept that cannot be used: a person alone may give that up.
    func membership(of wanted: Fingerprint?) throws(StartFailure) -> SegmentMembership? {
        guard let known = membership() else {
            guard hasCertificate else { return nil }
            throw StartFailure(
                .configuration,
                cause: "The key, certificate, id and CA in \(directory.path) are not whole, or do not belong together",
                remedy: "Put them back from a backup, or remove \(directory.path) to enrol anew"
            )
        }
        guard let wanted, wanted.bytes != known.authority.fingerprint.bytes else { return known }
        throw StartFailure(
            .configuration,
            cause: "This boot server is enrolled at the engine with the CA SHA256:\(known.authority.fingerprint),"
                + " not the one of --ca-fingerprint",
            remedy: "Correct --ca-fingerprint, or remove \(directory.path) to enrol anew"
        )
    }

    /// `nil` when anything is missing, damaged, or not for this key. The time is not looked at: a wrong clock must not cost an
    /// enrolment.
    func membership() -> SegmentMembership? {
        guard let key = key(), let authority = text(Self.authorityFile).flatMap({ try? Authority(pem: $0) }),
            let chain = text(Self.certificateFile),
            let id = text(Self.idFile).flatMap({ UniqueID(rawValue: String($0.prefix { !$0.isWhitespace })) }),
            (try? authority.check(chain: chain, isFor: key.publicKey, role: Self.role(id), now: nil)) != nil
        else { return nil }
        return SegmentMembership(
            identity: ClientIdentity(certificates: chain, key: key.pemRepresentation),
            authority: authority,
            id: id,
            end: Authority.end(of: chain) ?? 0
        )
    }

    /// Why the certificate that is kept is not taken at `now` (seconds since 1970), with what to do; `nil` where it is.
    func doubt(now: Int64) -> (what: String, remedy: String)? {
        guard let known = membership(), let key = key() else { return nil }
        do throws(CertificateRefusal) {
            let (chain, role) = (known.identity.certificates, Self.role(known.id))
            try known.authority.check(chain: chain, isFor: key.publicKey, role: role, now: now)
            return nil
        } catch {
            return (
                "this boot server's certificate, which ends at \(SegmentClock.text(known.end * 1000)), is not taken"
                    + " at this machine's time, \(SegmentClock.text(now * 1000)): \(error)",
                "set this machine's clock; if that is right, remove \(directory.path) to enrol anew"
            )
        }
    }

    /// Whether an approval has brought a certificate, even one that cannot be read now.
    var hasCertificate: Bool { directory.facts(Self.certificateFile) != nil }

    static func role(_ id: UniqueID) -> String { "muster:boot/\(id)" }

    func key() -> P256.Signing.PrivateKey? {
        text(Self.keyFile).flatMap { try? P256.Signing.PrivateKey(pemRepresentation: $0) }
    }

    /// A fresh key, for a claim of its own: readable for nobody else from its first byte on. Only where there is no certificate:
    /// what lies there is given up for it.
    func makeKey() throws(CacheDirectory.Failure) -> P256.Signing.PrivateKey {
        let key = P256.Signing.PrivateKey()
        forget()
        try directory.write(Array((key.pemRepresentation + "\n").utf8), as: Self.keyFile)
        return key
    }

    func openClaim() -> OpenClaim? {
        directory.value(OpenClaim.self, in: Self.claimFile, bytesMax: Self.bytesMax)
    }

    func keep(_ claim: OpenClaim) throws(CacheDirectory.Failure) {
        try directory.write(value: claim, as: Self.claimFile)
    }

    func forgetClaim() { directory.remove(Self.claimFile) }

    /// The certificate is written last: where it is, the others are whole.
    func store(chain: String, authority: Authority, id: UniqueID) throws(CacheDirectory.Failure) {
        try directory.write(Array(authority.pem.utf8), as: Self.authorityFile)
        try directory.write(Array("\(id)\n".utf8), as: Self.idFile)
        try directory.write(Array(chain.utf8), as: Self.certificateFile)
        directory.remove(Self.claimFile)
    }

    func renew(chain: String) throws(CacheDirectory.Failure) {
        try directory.write(Array(chain.utf8), as: Self.certificateFile)
    }

    /// This boot server is nobody's any more. The certificate goes first: after a kill nothing is taken for an enrolment.
    func forget() {
        for name in [Self.certificateFile, Self.idFile, Self.claimFile, Self.keyFile] { directory.remove(name) }
    }

    private func text(_ name: String) -> String? {
        directory.read(name, bytesMax: Self.bytesMax).map { String(decoding: $0, as: UTF8.self) }
    }

    /// PKCS #10 in PEM. The engine decides the subject of the certificate.
    static func certificateRequest(_ key: P256.Signing.PrivateKey) throws -> String {
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName("boot server") },
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        return try request.serializeAsPEM().pemString + "\n"
    }
}
