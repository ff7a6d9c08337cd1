import BootServer
package import Foundation
package import HostModel

/// A boot server on another segment, as people see it.
package struct BootServerRecord: Hashable, Sendable {
    package enum Status: String, Sendable {
        case waiting
        case approved
        case denied
    }

    package var id: UniqueID
    package var name: HostName
    package var status: Status
    package var source: String
    package var keyFingerprint: String
    /// Milliseconds since 1970, as the others.
    package var created: Int64
    package var until: Int64?
    package var certificateEnd: Int64?
    package var lastHeard: Int64?

    init(_ row: BootServerRow) {
        (id, name, source, created, until) = (row.id, row.name, row.source, row.created, row.until)
        (keyFingerprint, lastHeard) = (Engine.keyFingerprint(row.publicKey), row.lastHeard)
        certificateEnd = row.issued.map { $0 + Int64(CertificateAuthority.leafLifetime) * 1000 }
        status =
            switch row.state {
            case .approved: .approved
            case .rejected: .denied
            case .committed, .pending, .expired: .waiting
            }
    }
}

// docs/protocols.md section 1: as with nodes nobody signs in to ask, and nothing counts before a person approves.
extension HostEngine {
    package func receiveBootClaim(
        _ request: BootClaimRequest,
        from peer: String
    ) async throws(EngineError) -> ClaimReply {
        let now = settings.clock.now()
        guard claimRate.allows(peer, at: now) else {
            throw EngineError(.tooMany, "Too many claims come from \(terminalEscaped(peer)).", remedy: "Wait a minute.")
        }
        let new = try NewBootClaim(request, from: terminalEscaped(peer), limits: settings.enrolment, now: now)
        return ClaimReply(
            claim: try await store.receiveBootClaim(new, enrolment: settings.enrolment, limits: settings.bootServers),
            engineNonce: new.engineNonce,
            authority: authorityPEM,
            time: now / 1000,
            pollSeconds: settings.enrolment.pollSeconds
        )
    }

    package func openBootClaim(_ id: UniqueID, _ opening: ClaimOpening) async throws(EngineError) -> ClaimProgress {
        let now = settings.clock.now()
        return progress(try await store.openBootClaim(id, opening.nonce, enrolment: settings.enrolment, at: now))
    }

    package func bootClaimProgress(_ id: UniqueID) async throws(EngineError) -> ClaimProgress {
        progress(try await store.bootClaim(id, at: settings.clock.now()))
    }

    private func progress(_ row: BootServerRow) -> ClaimProgress {
        ClaimProgress(
            state: row.state,
            name: row.name,
            time: settings.clock.now() / 1000,
            pollSeconds: settings.enrolment.pollSeconds,
            certificate: row.certificate.map { $0 + authorityPEM },
            host: row.certificate.map { _ in row.id }
        )
    }

    /// Those that wait, those that are approved, and those that are kept away.
    package func bootServers() async throws(EngineError) -> [BootServerRecord] {
        try await store.bootServers(at: settings.clock.now()).map { BootServerRecord($0) }
    }

    package func approveBootServer(
        _ name: String,
        code typed: String?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let typed = typed.map { $0.filter { !$0.isWhitespace } } ?? ""
        guard !typed.isEmpty else {
            throw EngineError(
                .conflict,
                "Approving a boot server needs the code that it shows.",
                remedy: "Run `muster boot approve NAME --code CODE`; the code is in its log."
            )
        }
        guard let code = ApprovalCode(typed.prefix(64)) else {
            throw EngineError(
                .invalid,
                "That is not a code: it has nine letters and digits, and the last one checks the others.",
                remedy: "Type it again as the boot server's log shows it, for example K7QD-W3MA-T."
            )
        }
        try await store.approveBootServer(
            name,
            code: code,
            office: ApprovalOffice(authority: authority, limits: settings.enrolment),
            limits: settings.bootServers,
            context: context(by: user, correlation)
        )
    }

    package func denyBootServer(_ name: String, by user: String, correlation: String?) async throws(EngineError) {
        try await store.denyBootServer(
            name,
            enrolment: settings.enrolment,
            limits: settings.bootServers,
            context: context(by: user, correlation)
        )
    }

    package func removeBootServer(_ name: String, by user: String, correlation: String?) async throws(EngineError) {
        let known = try await bootServers().first { $0.name.rawValue == name || $0.id.rawValue == name }
        try await store.removeBootServer(name, context: context(by: user, correlation))
        if let known, known.status == .approved { bootBook.forget(known.name) }
    }

    /// What the boot server asks that showed a certificate for this role with this key; `nil`: it is nobody's, or was removed.
    package func segmentDirectory(role: String, key: Data) async throws(EngineError) -> SegmentDirectory? {
        guard role.hasPrefix(Self.bootRole), let id = UniqueID(rawValue: String(role.dropFirst(Self.bootRole.count))),
            let row = try await store.bootServer(id, key: key)
        else { return nil }
        return SegmentDirectory(engine: self, id: row.id, name: row.name)
    }

    /// What the role of a boot server begins with.
    package static let bootRole = "muster:boot/"

    /// The certificate for the key that was approved; asked for every day.
    func bootCertificate(of id: UniqueID) async throws(EngineError) -> BootCertificate {
        let now = settings.clock.now()
        let pem = try await store.bootCertificate(
            of: id,
            due: settings.renewal.due(at: now),
            authority: authority,
            at: now
        )
        return BootCertificate(certificate: pem + authorityPEM)
    }

    func report(status: BootStatus, of id: UniqueID, _ name: HostName) async throws(EngineError) {
        let now = settings.clock.now()
        bootBook.put(status, of: name, at: now)
        guard bootBook.isNews(id, at: now, every: settings.bootServers.heardInterval) else { return }
        try await store.heardBootServer(id, at: now)
    }

    /// Steps that a boot server hands over, perhaps long after they happened and perhaps once more: each counts once, at its
    /// own time.
    func record(_ events: [BootEvent], of id: UniqueID) async throws(EngineError) {
        let now = settings.clock.now()
        let steps = Array(events.prefix(Self.bootEventsMax))
        var reports: [BootStepReport] = []
        for (step, host) in zip(steps, try await store.hosts(of: steps)) {
            let age = min(max(step.age ?? 0, 0), settings.bootServers.eventAgeMax)
            let machine = host?.rawValue ?? "\(step.mac)"
            let isTold = lateBootRates.allows(machine, isHost: host != nil, at: now - age, from: id.rawValue)
            reports.append(BootStepReport(step: step, isTold: isTold, time: now - age))
        }
        try await store.record(reports, ofBootServer: id, at: now)
    }
}
