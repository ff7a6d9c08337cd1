import Crypto
import Foundation
import HostModel
import NIOSSL
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Whom the engine expects at the other end: exactly the host that it dialled, with exactly the key that was approved.
struct AgentIdentityPolicy: VerifierPolicy {
    let host: UniqueID
    /// SubjectPublicKeyInfo in DER.
    let publicKey: Data
    /// Takes a certificate whose time is over, too: it is to be renewed, and the key is the one that was approved.
    var acceptsExpired = false

    /// Our leaves mark the extended key usage as critical, so a policy must say that it looks at it.
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        let (leaf, host) = (chain.leaf, host)
        guard P256.Signing.PublicKey(leaf.publicKey)?.derRepresentation == publicKey else {
            return .failsToMeetPolicy(reason: "its key is not the one that was approved")
        }
        let names = try? leaf.extensions.subjectAlternativeNames
        let uris = names?.compactMap { name -> String? in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
        guard uris == [LeafRole.host(host).uri] else {
            return .failsToMeetPolicy(reason: "its certificate is not the one of host \(host)")
        }
        guard (try? leaf.extensions.extendedKeyUsage)?.contains(.serverAuth) == true else {
            return .failsToMeetPolicy(reason: "its certificate is not for servers")
        }
        return .meetsPolicy
    }

    /// Most often it is a clock that is wrong, and on this side; certificates last for years.
    private static func outOfTime(_ leaf: Certificate, at now: Date) -> String {
        let (from, until) = (leaf.notValidBefore.formatted(.iso8601), leaf.notValidAfter.formatted(.iso8601))
        return
            "its certificate is valid from \(from) to \(until), and this engine's clock says \(now.formatted(.iso8601)): "
            + "if the clock is wrong, set it; otherwise the host needs a new certificate"
    }

    /// Verifies what a peer presents in its handshake against our CA. Says why not; `nil` for a good one.
    func refusal(of presented: [NIOSSLCertificate], authority: Certificate) async -> String? {
        guard let first = presented.first, let leaf = try? Certificate(derEncoded: first.toDERBytes()) else {
            return "it shows no certificate that can be read"
        }
        let now = Date()
        guard leaf.notValidBefore <= now, now <= leaf.notValidAfter || acceptsExpired else {
            return Self.outOfTime(leaf, at: now)
        }
        let policy = self
        let moment = acceptsExpired && leaf.notValidAfter < now ? leaf.notValidAfter - 1 : now
        var verifier = Verifier(rootCertificates: CertificateStore([authority])) {
            RFC5280Policy(fixedExpiryValidationTime: moment)
            policy
        }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore([])) {
        case .validCertificate: return nil
        case .couldNotValidate(let failures):
            let reasons = failures.map { "\($0.policyFailureReason)" }
            return reasons.first ?? "its certificate is not signed by this engine's CA"
        }
    }
}
