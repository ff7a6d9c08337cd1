import SwiftASN1
@_spi(DisableValidityCheck) import X509

/// The check of one server's chain against what its client trusts. Pure but for the clock.
struct ServerVerification: Sendable {
    var trust: ServerTrust
    /// The host name or IP address that was dialled.
    var host: String
    /// Whether `host` is an address: then it must be among the certificate's IP SANs.
    var isAddress: Bool

    /// `nil` when the peer is trusted, else the reason, as the end of a sentence.
    func refusal(of peer: CertificateChain) async -> String? {
        switch trust {
        case .any: nil
        case .pinned(let fingerprint): await refusal(of: peer, pinned: fingerprint)
        case .authority(let authorities):
            await refusal(of: peer, roots: authorities.certificates, policy: RFC5280Policy())
        case .engine(let authorities):
            await refusal(of: peer, roots: authorities.certificates, policy: RFC5280Policy(), wantsRole: true)
        }
    }

    private func refusal(of peer: CertificateChain, pinned: Fingerprint) async -> String? {
        let fingerprints = peer.fingerprints
        guard let index = fingerprints.firstIndex(of: pinned) else {
            let shown = fingerprints.last.map { "; it shows \($0)" } ?? ""
            return "no certificate of its chain has the pinned fingerprint \(pinned)\(shown)"
        }
        if index == 0 { return nil }
        return await refusal(of: peer, roots: [peer.certificates[index]], policy: .withValidityCheckDisabled())
    }

    /// `wantsRole`: the role of the engine counts, and no name.
    private func refusal(
        of peer: CertificateChain,
        roots: [[UInt8]],
        policy: RFC5280Policy,
        wantsRole: Bool = false
    ) async -> String? {
        let chain = peer.certificates.compactMap { try? Certificate(derEncoded: $0) }
        guard chain.count == peer.certificates.count, let leaf = chain.first else { return "its chain is malformed" }
        let authorities = roots.compactMap { try? Certificate(derEncoded: $0) }
        var verifier = Verifier(rootCertificates: CertificateStore(authorities)) {
            policy
            if wantsRole {
                EngineRolePolicy()
            } else {
                NamePolicy(host: host, isAddress: isAddress)
            }
            EngineLeafPolicy()
        }
        let outcome = await verifier.validate(
            leaf: leaf,
            intermediates: CertificateStore(chain.dropFirst()),
            diagnosticCallback: nil
        )
        switch outcome {
        case .validCertificate: return nil
        case .couldNotValidate(let failures):
            guard let reason = failures.first?.policyFailureReason else {
                return "it was not issued by the trusted authority, or has a critical extension that is not known here"
            }
            return "\(reason)"
        }
    }
}

/// The leaf is for the name or address that was dialled (RFC 9525).
private struct NamePolicy: VerifierPolicy {
    private let host: String
    private var identity: ServerIdentityPolicy

    init(host: String, isAddress: Bool) {
        self.host = host
        identity = ServerIdentityPolicy(serverHostname: isAddress ? nil : host, serverIP: isAddress ? host : nil)
    }

    var verifyingCriticalExtensions: [ASN1ObjectIdentifier] { identity.verifyingCriticalExtensions }

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        guard case .failsToMeetPolicy = identity.chainMeetsPolicyRequirements(chain: chain) else { return .meetsPolicy }
        let host = host
        return .failsToMeetPolicy(reason: "it is not issued for \(host)")
    }
}

/// The leaf has the role of the engine, and no other.
private struct EngineRolePolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = []

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        let names = (try? chain.leaf.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames([])
        let roles = names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { return uri }
            return nil
        }
        guard roles == ["muster:engine"] else {
            return .failsToMeetPolicy(reason: "it is not the certificate of the engine")
        }
        return .meetsPolicy
    }
}

/// What the engine's leaf must be beyond a leaf of its CA for the name that was dialled.
private struct EngineLeafPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        do {
            // RFC 5280, section 4.2.1.12: where usages are named, a server's must be among them.
            if let usages = try chain.leaf.extensions.extendedKeyUsage,
                !usages.contains(.serverAuth), !usages.contains(.any)
            {
                return .failsToMeetPolicy(reason: "it is not a server's certificate")
            }
            return Self.role(of: try chain.leaf.extensions.subjectAlternativeNames)
        } catch {
            return .failsToMeetPolicy(reason: "its extensions are malformed")
        }
    }

    /// A leaf whose URI SAN gives it another role than the engine's is refused: a host may have got a certificate for
    /// any address that it claimed, the engine's among them.
    private static func role(of names: SubjectAlternativeNames?) -> PolicyEvaluationResult {
        for case .uniformResourceIdentifier(let uri) in names ?? SubjectAlternativeNames([])
        where uri.hasPrefix("muster:host/") || uri.hasPrefix("muster:boot/") {
            return .failsToMeetPolicy(reason: "it is the certificate of \(uri), not of the engine")
        }
        return .meetsPolicy
    }
}
