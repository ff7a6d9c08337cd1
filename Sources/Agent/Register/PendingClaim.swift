import Crypto
import HostModel
import SystemPackage

/// The claim that waits for a person, as `register` keeps it in the directory of this boot: killed at any moment it goes
/// on with the same code, and fetches the certificate of an approval that it slept through.
struct PendingClaim: Hashable, Codable {
    var engine: EngineAddress
    /// SHA-256 of the SubjectPublicKeyInfo that the claim is about.
    var key: Nonce
    /// The TLS certificate that the claim's first call saw, as 64 hex digits: the later calls go to nobody else.
    var peer: String
    var claim: Enrolment.OpenClaim

    /// Root's only: it holds the nonce.
    static let fileName = "claim.json"

    init?(_ claim: Enrolment.OpenClaim, of identity: NodeIdentity, engine: EngineAddress, peer: String?) {
        guard let peer, let key = Self.fingerprint(identity) else { return nil }
        (self.engine, self.key, self.peer, self.claim) = (engine, key, peer, claim)
    }

    /// `nil` when there is none for this key and this engine.
    init?(from run: NodeDirectory, of identity: NodeIdentity, engine: EngineAddress) {
        guard let kept = run.value(PendingClaim.self, in: Self.fileName),
            kept.engine == engine, kept.key == Self.fingerprint(identity)
        else { return nil }
        self = kept
    }

    func write(to run: NodeDirectory) throws {
        try run.write(value: self, to: Self.fileName, permissions: [.ownerReadWrite])
    }

    private static func fingerprint(_ identity: NodeIdentity) -> Nonce? {
        Nonce(bytes: Array(SHA256.hash(data: identity.publicKey)))
    }
}
