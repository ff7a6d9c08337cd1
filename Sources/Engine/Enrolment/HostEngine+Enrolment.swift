import GRDB
package import HostModel

// docs/protocols.md section 1. None of this is authenticated: a claim is never the host.

extension HostEngine {
    /// Takes a claim and answers the engine's nonce and CA. `peer` is the address that the request came from.
    package func receiveClaim(_ request: ClaimRequest, from peer: String) async throws(EngineError) -> ClaimReply {
        let now = settings.clock.now()
        guard claimRate.allows(peer, at: now) else {
            throw EngineError(.tooMany, "Too many claims come from \(terminalEscaped(peer)).", remedy: "Wait a minute.")
        }
        let claim = try await store.receiveClaim(
            try NewClaim(request, from: terminalEscaped(peer), limits: settings.enrolment, now: now),
            limits: settings.enrolment
        )
        return ClaimReply(
            claim: claim.id,
            engineNonce: claim.engineNonce,
            authority: authorityPEM,
            time: now / 1000,
            pollSeconds: settings.enrolment.pollSeconds
        )
    }

    /// Takes the node's nonce; from then on a person can approve the claim.
    package func openClaim(_ id: UniqueID, _ opening: ClaimOpening) async throws(EngineError) -> ClaimProgress {
        let (claim, host) = try await store.openClaim(
            id,
            opening.nonce,
            lifetimeSeconds: settings.enrolment.claimLifetimeSeconds,
            at: settings.clock.now()
        )
        return progress(claim, host, nil)
    }

    /// Where a claim stands; once it is approved, with the certificate.
    package func claimProgress(_ id: UniqueID) async throws(EngineError) -> ClaimProgress {
        let (claim, host, certificate) = try await store.claim(id, at: settings.clock.now())
        return progress(claim, host, certificate)
    }

    private func progress(_ claim: ClaimRow, _ host: HostRow, _ certificate: CertificateRow?) -> ClaimProgress {
        ClaimProgress(
            state: claim.state,
            name: host.name,
            time: settings.clock.now() / 1000,
            pollSeconds: settings.enrolment.pollSeconds,
            certificate: certificate.map { $0.pem + authorityPEM },
            host: certificate == nil ? nil : host.id
        )
    }

    /// oVirt's `host-register` (ovirt.md 2.2): a node without a key becomes a host in `pending_approval`; one that is
    /// known already is told that all is well, and nothing changes.
    package func register(_ request: LegacyRegistration) async throws(EngineError) {
        let now = settings.clock.now()
        guard let hardwareID = HardwareID(request.uniqueID) else {
            let text = "A machine at \(terminalEscaped(request.address)) tried to register with an empty machine id."
            try await store.record([Occurrence(.registrationEmptyID, .error, text)], at: now)
            throw EngineError(.invalid, "uniqueId is empty.", remedy: "Give the machine's id, see `vdsm-tool vdsm-id`.")
        }
        guard HostName(request.address) != nil else {
            throw EngineError(.invalid, "The address is neither a DNS name nor an IPv4 address.")
        }
        guard request.port > 0 else { throw EngineError(.invalid, "The agent's port is 0.") }
        guard claimRate.allows("register", at: now) else {
            throw EngineError(.tooMany, "Too many machines register at once.", remedy: "Wait a minute.")
        }
        try await store.register(request, hardwareID, limits: settings.enrolment, at: now)
    }
}

extension Store {
    func register(
        _ request: LegacyRegistration,
        _ hardwareID: HardwareID,
        limits: EnrolmentLimits,
        at now: Int64
    ) async throws(EngineError) {
        try await write { db in
            guard try HostRow.filter(Column("hardwareID") == hardwareID).isEmpty(db) else { return }
            try checkPendingRoom(limits: limits, in: db)
            var host = HostRow(
                id: .random(),
                name: try freeName(wish: HostName(request.name), in: db),
                address: request.address,
                port: request.port,
                status: .pendingApproval,
                statusDetail: nil,
                cluster: try defaultCluster(in: db),
                hardwareID: hardwareID,
                facts: nil,
                hardware: nil,
                capabilities: nil,
                lastSeen: nil,
                created: now,
                version: 1
            )
            try host.insert(db)
            let text = "Host \(host.name) registered with oVirt's protocol at \(host.address); it has no key yet."
            try record(Occurrence(.registered, .normal, text, host: host), at: now, in: db)
        }
    }
}
