import Crypto
import Foundation
import GRDB
import HostModel

// The transitions of a claim up to the moment when a person looks at it.

extension Store {
    /// Records a claim. A known host stays as it is; an unknown machine becomes a host that waits for approval.
    func receiveClaim(_ new: NewClaim, limits: EnrolmentLimits) async throws(EngineError) -> ClaimRow {
        try await write { db in
            try expireClaims(at: new.now, in: db)
            try spendNonce(new.request.nonceHash, at: new.now, in: db)
            if var older = try ClaimRow.filter(Column("publicKey") == new.publicKey && Column("closed") == nil)
                .fetchOne(db)
            {
                try older.close(.expired, at: new.now, in: db)
                try forgetNeverApproved(in: db)
            }
            try checkRoom(for: new.source, limits: limits, in: db)
            let host = try hostRow(for: new, limits: limits, in: db)
            let claim = ClaimRow(
                id: .random(),
                host: host.id,
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
            try claim.insert(db)
            return claim
        }
    }

    /// Opens the node's nonce. One that does not fit ends the claim: a second try would be a search.
    func openClaim(
        _ id: UniqueID,
        _ nonce: Nonce,
        lifetimeSeconds: Int64,
        at now: Int64
    ) async throws(EngineError) -> (ClaimRow, HostRow) {
        let opened: (ClaimRow, HostRow)? = try await write { db in
            try expireClaims(at: now, in: db)
            var claim = try ClaimRow.require(id, in: db)
            let host = try HostRow.require(claim.host, in: db)
            if claim.nodeNonce == nonce { return (claim, host) }  // The answer was lost on its way: say it again.
            guard claim.state == .committed else {
                throw EngineError(.conflict, "The claim is \(claim.state.rawValue), its nonce cannot be opened now.")
            }
            guard SHA256.hash(data: nonce.bytes) == claim.nonceHash.bytes else {
                try claim.close(.rejected, at: now, in: db)
                return nil
            }
            (claim.nodeNonce, claim.state, claim.expires) = (nonce, .pending, now + lifetimeSeconds * 1000)
            try claim.update(db)
            try record(Self.claimOpened(claim, of: host), at: now, in: db)
            return (claim, host)
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
    func claim(_ id: UniqueID, at now: Int64) async throws(EngineError) -> (ClaimRow, HostRow, CertificateRow?) {
        try await read { db in
            var claim = try ClaimRow.require(id, in: db)
            if claim.isOpen, claim.expires <= now { claim.state = .expired }
            let issued = try claim.certificate.flatMap { try CertificateRow.fetchOne(db, key: $0) }
            let certificate = issued?.revoked == nil ? issued : nil
            if issued?.revoked != nil { claim.state = .expired }
            return (claim, try HostRow.require(claim.host, in: db), certificate)
        }
    }

    /// Closes what was not approved in time, and forgets machines of which nothing else is left.
    func expireClaims(at now: Int64, in db: Database) throws {
        let stale = try ClaimRow.filter(Column("closed") == nil && Column("expires") <= now).fetchAll(db)
        for var claim in stale {
            try claim.close(.expired, at: now, in: db)
            guard let host = try HostRow.fetch(claim.host, in: db) else { continue }
            if claim.nodeNonce != nil {
                let text = "A claim on host \(host.name) from \(claim.source) expired; nobody approved it."
                try record(Occurrence(.claimExpired, .warning, text, host: host), at: now, in: db)
            }
        }
        try db.execute(literal: "DELETE FROM claim WHERE closed <= \(now - Self.closedClaimsKept)")
        try forgetNeverApproved(in: db)
    }

    /// How long a closed claim still answers its node, in milliseconds: 7 days.
    static let closedClaimsKept: Int64 = 7 * 86_400_000

    /// A host that came by a claim, never had a certificate and was given no boot profile was only ever a machine's
    /// word. It stays while a claim on it is open, or was seen by people and still answers.
    private func forgetNeverApproved(in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM host WHERE status = 'pending_approval' AND facts IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM certificate WHERE certificate.host = host.id)
                AND NOT EXISTS (SELECT 1 FROM bootAssignment WHERE bootAssignment.host = host.id)
                AND NOT EXISTS (
                    SELECT 1 FROM claim WHERE claim.host = host.id AND (closed IS NULL OR nodeNonce IS NOT NULL))
                """
        )
    }

    /// A commitment counts once, ever: a replayed claim shows itself by it.
    private func spendNonce(_ hash: Nonce, at now: Int64, in db: Database) throws {
        guard try Row.fetchOne(db, sql: "SELECT 1 FROM usedNonce WHERE hash = ?", arguments: [hash]) == nil else {
            throw EngineError(
                .conflict,
                "The nonce of this claim was used before.",
                remedy: "Make a new claim with a fresh nonce."
            )
        }
        try db.execute(literal: "INSERT INTO usedNonce (hash, time) VALUES (\(hash), \(now))")
    }

    private func checkRoom(for source: String, limits: EnrolmentLimits, in db: Database) throws {
        let open = ClaimRow.filter(Column("closed") == nil)
        guard try open.fetchCount(db) < limits.openClaimsMax else {
            throw EngineError(
                .tooMany,
                "\(limits.openClaimsMax) claims wait already.",
                remedy: "Approve or reject some."
            )
        }
        guard try open.filter(Column("source") == source).fetchCount(db) < limits.openClaimsPerSourceMax else {
            throw EngineError(.tooMany, "\(limits.openClaimsPerSourceMax) claims from \(source) wait already.")
        }
    }

    /// The host that a claim is about: the known one untouched, or a new one in `pending_approval`.
    private func hostRow(for new: NewClaim, limits: EnrolmentLimits, in db: Database) throws -> HostRow {
        if let known = try HostRow.filter(Column("hardwareID") == new.request.hardwareID).fetchOne(db) { return known }
        try checkPendingRoom(limits: limits, in: db)
        var host = HostRow(
            id: .random(),
            name: try freeName(wish: new.request.name, in: db),
            address: "\(new.request.address)",
            port: new.request.port,
            status: .pendingApproval,
            statusDetail: nil,
            cluster: try defaultCluster(in: db),
            hardwareID: new.request.hardwareID,
            facts: new.facts,
            hardware: nil,
            capabilities: nil,
            lastSeen: nil,
            created: new.now,
            version: 1
        )
        try host.insert(db)
        for mac in new.macs {
            try db.execute(literal: "INSERT OR IGNORE INTO hostMAC (mac, host) VALUES (\(mac), \(host.id))")
        }
        try adoptEvents(of: new.macs, by: host, in: db)
        return host
    }

    func checkPendingRoom(limits: EnrolmentLimits, in db: Database) throws {
        let waiting = try HostRow.filter(Column("status") == HostStatus.pendingApproval).fetchCount(db)
        guard waiting < limits.pendingHostsMax else {
            throw EngineError(
                .tooMany,
                "\(limits.pendingHostsMax) hosts wait for approval already.",
                remedy: "Approve, reject or remove some."
            )
        }
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
