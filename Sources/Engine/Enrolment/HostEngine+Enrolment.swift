package import HostModel

// docs/protocols.md section 1. None of this is authenticated: a claim is never the host.

extension HostEngine {
    /// Takes a claim and answers the engine's nonce and CA. `peer` is the address that the request came from.
    package func receiveClaim(_ request: ClaimRequest, from peer: String) async throws(EngineError) -> ClaimReply {
        let now = settings.clock.now()
        guard claimRate.allows(peer, at: now) else {
            throw EngineError(.tooMany, "Too many claims come from \(terminalEscaped(peer)).", remedy: "Wait a minute.")
        }
        let new = try NewClaim(request, from: terminalEscaped(peer), limits: settings.enrolment, now: now)
        return ClaimReply(
            claim: try await store.receiveClaim(new, limits: settings.enrolment),
            engineNonce: new.engineNonce,
            authority: authorityPEM,
            time: now / 1000,
            pollSeconds: settings.enrolment.pollSeconds
        )
    }

    /// Takes the node's nonce; from then on a person can approve the claim. A machine that was announced and shows the token
    /// of its boot script is approved at once.
    package func openClaim(_ id: UniqueID, _ opening: ClaimOpening) async throws(EngineError) -> ClaimProgress {
        let office = ApprovalOffice(authority: authority, limits: settings.enrolment)
        let standing = try await store.openClaim(id, opening.nonce, office: office, context: context())
        if let host = standing.host { supervisor.watch(host) }
        return progress(standing)
    }

    /// Where a claim stands; once it is approved, with the certificate. A node whose lease changed says so with `moved`.
    package func claimProgress(
        _ id: UniqueID,
        moved: AddressNotice? = nil
    ) async throws(EngineError) -> ClaimProgress {
        if let moved { try await store.move(id, to: moved, at: settings.clock.now()) }
        return progress(try await store.claim(id, at: settings.clock.now()))
    }

    private func progress(_ standing: ClaimStanding) -> ClaimProgress {
        ClaimProgress(
            state: standing.state,
            name: standing.name,
            time: settings.clock.now() / 1000,
            pollSeconds: settings.enrolment.pollSeconds,
            certificate: standing.certificate.map { $0.pem + authorityPEM },
            host: standing.host
        )
    }

    /// Machines that a person turned away and that may not claim yet, newest first.
    package func rejections() async throws(EngineError) -> [RejectionRecord] {
        try await store.rejections(at: settings.clock.now())
    }

    /// Takes a rejection back.
    package func readmit(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        try await store.readmit(id, context: context(by: user, correlation))
    }
}
