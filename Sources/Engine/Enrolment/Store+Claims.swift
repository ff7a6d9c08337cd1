import Crypto
import Foundation
import GRDB
import HostModel

// The transitions of a claim up to the moment when a person looks at it.

/// What a node is told of its claim.
struct ClaimStanding: Sendable {
    var state: ClaimProgress.State
    var name: HostName
    var certificate: CertificateRow?
    /// Only of an approved claim.
    var host: UniqueID?

    init(_ claim: ClaimRow, of host: HostRow, _ certificate: CertificateRow? = nil) {
        (state, name, self.certificate) = (claim.state, host.name, certificate)
        self.host = certificate == nil ? nil : host.id
    }

    /// Turned away by a person.
    init(_ rejection: RejectionRow) { (state, name) = (.rejected, rejection.name) }
}

extension Store {
    /// Records a claim and gives its id. A known host stays as it is; an unknown machine becomes a host that waits for
    /// approval; a machine that a person rejected gets the id of the rejection, under which it is told so.
    func receiveClaim(_ new: NewClaim, limits: EnrolmentLimits) async throws(EngineError) -> UniqueID {
        let outcome: Result<UniqueID, EngineError> = try await write { db in
            try expireClaims(limits: limits, at: new.now, in: db)
            // A refusal that leaves a trace: it is committed, and thrown after that.
            if let replay = try refuseReplay(of: new, in: db) { return .failure(replay) }
            return .success(try take(new, limits: limits, in: db))
        }
        switch outcome {
        case .success(let id): return id
        case .failure(let refusal): throw refusal
        }
    }

    private func take(_ new: NewClaim, limits: EnrolmentLimits, in db: Database) throws -> UniqueID {
        try spend(new.request.nonceHash, of: new.publicKey, at: new.now, in: db)
        if let rejection = try RejectionRow.of(new, in: db) { return rejection.id }
        let older = try closeOlder(of: new, limits: limits, in: db)
        let known = try HostRow.filter(Column("hardwareID") == new.request.hardwareID).fetchOne(db)
        if let older, older != known?.id { try forgetIfOnlySaid(older, in: db) }
        let arriving = try arriving(new, known: known, limits: limits, in: db)
        try makeRoom(for: new.source, on: arriving?.host.id ?? known?.id, limits: limits, at: new.now, in: db)
        let host = try arriving?.host ?? known ?? newHost(for: new, limits: limits, in: db)
        if known != nil { try heard(host.id, at: new.now, in: db) }
        let claim = ClaimRow(new, of: host.id, limits: limits)
        try claim.insert(db)
        if arriving?.isProven == true { try spendToken(of: host.id, for: claim.id, in: db) }
        return claim.id
    }

    /// Opens the node's nonce. One that does not fit ends the claim: a second try would be a search. The claim of an
    /// announced machine that showed its token is approved by that.
    func openClaim(
        _ id: UniqueID,
        _ nonce: Nonce,
        office: ApprovalOffice,
        context: TransitionContext
    ) async throws(EngineError) -> ClaimStanding {
        let (limits, now) = (office.limits, context.now)
        let opened: ClaimStanding? = try await write { db in
            try expireClaims(limits: limits, at: now, in: db)
            if let rejection = try RejectionRow.valid(id, at: now, in: db) { return ClaimStanding(rejection) }
            var claim = try ClaimRow.require(id, in: db)
            let host = try HostRow.require(claim.host, in: db)
            // The answer was lost on its way: say it again.
            if claim.nodeNonce == nonce { return try Self.standing(claim, of: host, in: db) }
            guard claim.state == .committed else {
                throw EngineError(.conflict, "The claim is \(claim.state.rawValue), its nonce cannot be opened now.")
            }
            guard SHA256.hash(data: nonce.bytes) == claim.nonceHash.bytes else {
                try close(&claim, .rejected, limits: limits, at: now, in: db)
                return nil
            }
            (claim.nodeNonce, claim.state) = (nonce, .pending)
            claim.expires = now + limits.claimLifetimeSeconds * 1000
            try claim.update(db)
            if let row = try ArrivalRow.fetch(host.id, in: db), row.claim == claim.id {
                let approved = try arrive(claim, host, row, office: office, context: context, in: db)
                return try Self.standing(try ClaimRow.require(id, in: db), of: approved, in: db)
            }
            try record(Self.claimOpened(claim, of: host), at: now, in: db)
            return ClaimStanding(claim, of: host)
        }
        guard let opened else {
            throw EngineError(
                .invalid,
                "The nonce is not the one that the claim committed to.",
                remedy: "Make a new claim."
            )
        }
        return opened
    }

    /// Where a claim stands. Every waiting node asks every few seconds, so this only reads: a claim whose time is over
    /// is called expired before housekeeping has closed it, and so is one whose key was revoked since: the node then
    /// makes a new one.
    func claim(_ id: UniqueID, at now: Int64) async throws(EngineError) -> ClaimStanding {
        try await read { db in
            if let rejection = try RejectionRow.valid(id, at: now, in: db) { return ClaimStanding(rejection) }
            var claim = try ClaimRow.require(id, in: db)
            if claim.isOpen, claim.expires <= now { claim.state = .expired }
            return try Self.standing(claim, of: try HostRow.require(claim.host, in: db), in: db)
        }
    }

    private static func standing(_ known: ClaimRow, of host: HostRow, in db: Database) throws -> ClaimStanding {
        var claim = known
        let issued = try claim.certificate.flatMap { try CertificateRow.fetchOne(db, key: $0) }
        let certificate = issued?.revoked == nil ? issued : nil
        if issued?.revoked != nil { claim.state = .expired }
        return ClaimStanding(claim, of: host, certificate)
    }

    /// Follows a waiting node to another address. The signature shows that the holder of the claim's key says so; a claim
    /// that is over, or is at that address already, stays as it is.
    func move(_ id: UniqueID, to notice: AddressNotice, at now: Int64) async throws(EngineError) {
        let isNews = try await read { db in
            guard let claim = try ClaimRow.filter(Column("id") == id).fetchOne(db) else { return false }
            return claim.isOpen && claim.address != notice.address
        }
        guard isNews else { return }
        try await write { db in
            var claim = try ClaimRow.require(id, in: db)
            guard claim.isOpen, claim.expires > now else { return }
            let key = try P256.Signing.PublicKey(derRepresentation: claim.publicKey)
            let said = AddressNotice.transcript(claim: id, address: notice.address)
            guard NewClaim.isReachable(notice.address),
                let signature = try? P256.Signing.ECDSASignature(derRepresentation: notice.signature),
                key.isValidSignature(signature, for: said)
            else { throw EngineError(.invalid, "The new address is not signed with the key of the claim.") }
            claim.address = notice.address
            try claim.update(db)
            try db.execute(
                sql: "UPDATE host SET address = ?, version = version + 1 WHERE id = ? AND \(Self.isOnlySaid)",
                arguments: ["\(notice.address)", claim.host]
            )
        }
    }

    /// Closes a claim that was not approved, and forgets the machine if nothing else is left of it.
    func close(
        _ claim: inout ClaimRow,
        _ state: ClaimProgress.State,
        limits: EnrolmentLimits,
        at now: Int64,
        in db: Database
    ) throws {
        try claim.close(state, at: now, in: db)
        try db.execute(
            literal: """
                DELETE FROM claim WHERE id IN (
                    SELECT id FROM claim WHERE host = \(claim.host) AND closed IS NOT NULL AND certificate IS NULL
                    ORDER BY closed DESC, created DESC LIMIT -1 OFFSET \(limits.closedClaimsPerHostMax))
                """
        )
        try forgetIfNothingIsLeft(claim.host, in: db)
    }

    /// Closes what was not approved in time.
    func expireClaims(limits: EnrolmentLimits, at now: Int64, in db: Database) throws {
        let stale = try ClaimRow.filter(Column("closed") == nil && Column("expires") <= now).fetchAll(db)
        for var claim in stale {
            guard let host = try HostRow.fetch(claim.host, in: db) else { continue }
            try close(&claim, .expired, limits: limits, at: now, in: db)
            guard claim.nodeNonce != nil else { continue }
            let text = "A claim on host \(host.name) from \(claim.source) expired; nobody approved it."
            try record(Occurrence(.claimExpired, .warning, text, host: host), at: now, in: db)
        }
    }

    /// A key has one open claim: the newer replaces the older. Gives the host of the older one.
    private func closeOlder(of new: NewClaim, limits: EnrolmentLimits, in db: Database) throws -> UniqueID? {
        let open = ClaimRow.filter(Column("publicKey") == new.publicKey && Column("closed") == nil)
        guard var older = try open.fetchOne(db) else { return nil }
        try close(&older, .expired, limits: limits, at: new.now, in: db)
        return older.host
    }

    private func newHost(for new: NewClaim, limits: EnrolmentLimits, in db: Database) throws -> HostRow {
        try makeRoomForHost(from: new.source, limits: limits, in: db)
        var host = HostRow.waiting(
            try freeName(wish: new.request.name, in: db),
            at: "\(new.request.address)",
            port: new.request.port,
            in: try defaultCluster(in: db),
            hardwareID: new.request.hardwareID,
            from: new.source,
            facts: new.facts,
            now: new.now
        )
        try host.insert(db)
        for mac in new.macs {
            try db.execute(literal: "INSERT OR IGNORE INTO hostMAC (mac, host) VALUES (\(mac), \(host.id))")
        }
        try adoptEvents(of: new.macs, by: host, in: db)
        return host
    }

    func freeName(wish: HostName?, in db: Database) throws -> HostName {
        for name in NewHostName.candidates(wish: wish)
        where try HostRow.filter(Column("name") == name).isEmpty(db) {
            return name
        }
        throw EngineError(.failed, "No free name was found for a new host.", remedy: "Let the node ask for a name.")
    }

    func defaultCluster(in db: Database) throws -> UniqueID {
        let id = try UniqueID.fetchOne(db, sql: "SELECT id FROM cluster ORDER BY name <> 'Default', name LIMIT 1")
        guard let id else { throw EngineError(.failed, "There is no cluster for a new host.") }
        return id
    }

    private static func claimOpened(_ claim: ClaimRow, of host: HostRow) -> Occurrence {
        let machine = terminalEscaped(claim.hardwareID.rawValue)
        guard host.status == .pendingApproval else {
            let text =
                "A machine at \(claim.source) claims to be host \(host.name) (machine id \(machine), "
                + "key \(keyFingerprint(claim.publicKey))). Nothing of the host changes until the claim is approved."
            return Occurrence(.claimReceived, .warning, text, host: host)
        }
        let text = "Host \(host.name) registered from \(claim.source) and waits for approval (machine id \(machine))."
        return Occurrence(.registered, .normal, text, host: host)
    }
}

extension ClaimRow {
    fileprivate init(_ new: NewClaim, of host: UniqueID, limits: EnrolmentLimits) {
        self.init(
            id: .random(),
            host: host,
            state: .committed,
            hardwareID: new.request.hardwareID,
            address: new.request.address,
            port: new.request.port,
            source: new.source,
            publicKey: new.publicKey,
            nonceHash: new.request.nonceHash,
            engineNonce: new.engineNonce,
            nodeNonce: nil,
            wrongCodes: 0,
            facts: new.facts,
            created: new.now,
            expires: new.now + limits.openingSeconds * 1000,
            closed: nil,
            certificate: nil
        )
    }
}
