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
        directory = CacheDirectory("\(stateDirectory)/engine")
        try directory.make()
    }

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

    /// `nil` when anything is missing, damaged, or not for this key; `now` in seconds since 1970.
    func membership(now: Int64) -> SegmentMembership? {
        guard let key = key(), let authority = text(Self.authorityFile).flatMap({ try? Authority(pem: $0) }),
            let chain = text(Self.certificateFile),
            let id = text(Self.idFile).flatMap({ UniqueID(rawValue: String($0.prefix { !$0.isWhitespace })) }),
            (try? authority.check(chain: chain, isFor: key.publicKey, role: Self.role(id), now: now)) != nil
        else { return nil }
        return SegmentMembership(
            identity: ClientIdentity(certificates: chain, key: key.pemRepresentation),
            authority: authority,
            id: id,
            end: Authority.end(of: chain) ?? 0
        )
    }

    static func role(_ id: UniqueID) -> String { "muster:boot/\(id)" }

    func key() -> P256.Signing.PrivateKey? {
        text(Self.keyFile).flatMap { try? P256.Signing.PrivateKey(pemRepresentation: $0) }
    }

    /// A fresh key, for a claim of its own: readable for nobody else from its first byte on.
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

    /// The id is written last: where it is, the others are whole.
    func store(chain: String, authority: Authority, id: UniqueID) throws(CacheDirectory.Failure) {
        try directory.write(Array(authority.pem.utf8), as: Self.authorityFile)
        try directory.write(Array(chain.utf8), as: Self.certificateFile)
        try directory.write(Array("\(id)\n".utf8), as: Self.idFile)
        directory.remove(Self.claimFile)
    }

    func renew(chain: String) throws(CacheDirectory.Failure) {
        try directory.write(Array(chain.utf8), as: Self.certificateFile)
    }

    /// This boot server is nobody's any more.
    func forget() {
        for name in [Self.idFile, Self.certificateFile, Self.claimFile, Self.keyFile] { directory.remove(name) }
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
