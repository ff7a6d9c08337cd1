import Crypto
import Foundation
import GRDB
import HostModel
import SwiftASN1
import X509

/// What an approval needs beside the claim.
struct ApprovalOffice: Sendable {
    var authority: CertificateAuthority
    var limits: EnrolmentLimits
}

extension Store {
    /// Approves the open claim whose code this is: in one transaction the old key is revoked, the new one certified,
    /// the host moves to `installing`, and its installation is stored.
    ///
    /// A wrong code is a refusal that leaves a trace, so the transaction is committed and the refusal thrown after it.
    func approve(
        _ id: UniqueID,
        code: ApprovalCode,
        office: ApprovalOffice,
        context: TransitionContext
    ) async throws(EngineError) -> HostRow {
        let outcome: Result<HostRow, EngineError> = try await write { db in
            try expireClaims(limits: office.limits, at: context.now, in: db)
            let host = try HostRow.require(id, in: db)
            let claims = try ClaimRow.fetch(of: id, [.pending], in: db)
            let authorityKey = office.authority.publicKeyInfo
            guard let claim = claims.first(where: { $0.code(authorityKey: authorityKey) == code }) else {
                if try wasApproved(host, by: code, office: office, context: context, in: db) { return .success(host) }
                return .failure(try refuse(code, on: host, claims, office: office, context: context, in: db))
            }
            return .success(try approve(claim, of: host, office: office, context: context, in: db))
        }
        switch outcome {
        case .success(let host): return host
        case .failure(let refusal): throw refusal
        }
    }

    /// Whether this very request has approved the host already: the engine was killed before its answer was out, and who
    /// asked asks again under the same correlation id. It is answered as it would have been; nothing is done twice.
    private func wasApproved(
        _ host: HostRow,
        by code: ApprovalCode,
        office: ApprovalOffice,
        context: TransitionContext,
        in db: Database
    ) throws -> Bool {
        let authorityKey = office.authority.publicKeyInfo
        let former = try ClaimCode.closed(of: host.id, in: db).last { $0.code(authorityKey: authorityKey) == code }
        return try former?.state == .approved && wasApproved(host, context: context, in: db)
    }

    private func wasApproved(_ host: HostRow, context: TransitionContext, in db: Database) throws -> Bool {
        guard let user = context.user, let correlation = context.correlation else { return false }
        return try SQLRequest<Int>(
            literal: """
                SELECT 1 FROM event WHERE host = \(host.id) AND code = \(EventCode.approved)
                AND user = \(user) AND correlation = \(correlation)
                """
        ).fetchOne(db) != nil
    }

    /// Without a code only an installation that failed may be tried again, with the key that was approved before.
    func retryInstallation(
        of id: UniqueID,
        limits: EnrolmentLimits,
        context: TransitionContext
    ) async throws(EngineError) -> HostRow {
        try await write { db in
            try expireClaims(limits: limits, at: context.now, in: db)
            var host = try HostRow.require(id, in: db)
            guard try ClaimRow.fetch(of: id, [.pending], in: db).isEmpty else {
                throw EngineError(
                    .conflict,
                    "Host \(host.name) has a claim that waits; approving it needs the code on its screen.",
                    remedy: "Run `muster host approve \(host.name) --code CODE`."
                )
            }
            guard host.status == .installFailed, try CertificateRow.valid(of: id, in: db) != nil else {
                if try wasApproved(host, context: context, in: db) { return host }
                throw Self.nothingToApprove(host)
            }
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            try live(&host, &life, .approved(hasNewKey: false), context: context, in: db)
            let text = "Host \(host.name) is installed again."
            try record(
                Occurrence(.approved, .normal, text, host: host, user: context.user, correlation: context.correlation),
                at: context.now,
                in: db
            )
            return host
        }
    }

    private static func nothingToApprove(_ host: HostRow) -> EngineError {
        host.status == .pendingApproval
            ? EngineError(
                .conflict,
                "Host \(host.name) has no open claim, so there is nothing to approve.",
                remedy: "Boot the node again; it makes a new claim and shows its code."
            )
            : EngineError(
                .conflict,
                "Host \(host.name) is \(host.status.rawValue) and has no open claim: it was approved already.",
                remedy: "`muster host show \(host.name)` shows where it stands."
            )
    }
}

extension Store {
    /// What a person announced, and what showed the token of the boot that the engine itself began, needs no second word.
    func arrive(
        _ claim: ClaimRow,
        _ host: HostRow,
        _ row: ArrivalRow,
        office: ApprovalOffice,
        context: TransitionContext,
        in db: Database
    ) throws -> HostRow {
        var context = context
        (context.user, context.correlation) = (row.user, row.correlation)
        let machine = terminalEscaped(claim.hardwareID.rawValue)
        let text =
            "Host \(host.name) has come, from \(claim.source), with the token of its boot script (machine id \(machine))."
        try tell(.hostArrived, .normal, text, host, context, db)
        return try approve(claim, of: host, office: office, context: context, in: db)
    }

    private func approve(
        _ claim: ClaimRow,
        of known: HostRow,
        office: ApprovalOffice,
        context: TransitionContext,
        in db: Database
    ) throws -> HostRow {
        var (claim, host) = (claim, known)
        if host.status == .pendingApproval {
            try DataCenterRecord.checkRoom(for: host.name, inDataCenterOf: host.cluster, in: db)
        }
        let certificate = try certify(claim, office.authority, at: context.now)
        if try CertificateRow.valid(of: host.id, in: db) != nil {
            try CertificateRow.revoke(of: host.id, at: context.now, in: db)
            let text = "The former key of host \(host.name) is revoked."
            try record(Occurrence(.certificateRevoked, .warning, text, host: host), at: context.now, in: db)
        }
        try certificate.insert(db)
        (host.address, host.port, host.facts) = ("\(claim.address)", claim.port, claim.facts)
        (claim.state, claim.closed, claim.certificate) = (.approved, context.now, certificate.serial)
        claim.facts = ClaimRow.noFacts
        try claim.update(db)
        try closeRivals(of: claim, at: context.now, in: db)
        host.hardware = nil
        // A host that a person announced learns now which machine it is.
        if try ArrivalRow.deleteOne(db, key: host.id), host.hardwareID == nil { host.hardwareID = claim.hardwareID }
        try host.save(in: db)
        try db.execute(literal: "UPDATE host SET capabilities = NULL WHERE id = \(host.id)")
        try takeAddresses(of: host, in: db)
        let fingerprint = keyFingerprint(claim.publicKey)
        let text = "Host \(host.name) at \(host.address) was approved (key \(fingerprint))."
        try record(
            Occurrence(.approved, .normal, text, host: host, user: context.user, correlation: context.correlation),
            at: context.now,
            in: db
        )
        var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
        try live(&host, &life, .approved(hasNewKey: true), context: context, in: db)
        return host
    }

    private func certify(_ claim: ClaimRow, _ authority: CertificateAuthority, at now: Int64) throws -> CertificateRow {
        let key = try P256.Signing.PublicKey(derRepresentation: claim.publicKey)
        let certificate = try authority.issue(
            role: .host(claim.host),
            address: "\(claim.address)",
            key: key,
            now: Date(timeIntervalSince1970: Double(now) / 1000)
        )
        return CertificateRow(
            serial: certificate.serialNumber.bytes.hexDigits,
            host: claim.host,
            publicKey: claim.publicKey,
            pem: try certificate.serializeAsPEM().pemString + "\n",
            subject: "\(certificate.subject)",
            issued: now,
            revoked: nil
        )
    }

    /// Older claims of the same machine, from before it started anew, are answered by the newer approval.
    private func closeRivals(of claim: ClaimRow, at now: Int64, in db: Database) throws {
        let open = try ClaimRow.fetch(of: claim.host, [.committed, .pending], in: db)
        for var rival in open where rival.source == claim.source { try rival.close(.expired, at: now, in: db) }
    }

    /// What a person approved owns its addresses, also those that another machine only claimed.
    private func takeAddresses(of known: HostRow, in db: Database) throws {
        let (host, facts): (UniqueID, HostFacts?) = (known.id, ColumnJSON.decode(known.facts))
        try db.execute(literal: "DELETE FROM hostMAC WHERE host = \(host)")
        for mac in facts?.interfaces.map(\.mac) ?? [] where !mac.isMulticast && mac.rawValue != 0 {
            try db.execute(
                literal: """
                    INSERT INTO hostMAC (mac, host) VALUES (\(mac), \(host)) ON CONFLICT (mac) DO UPDATE
                    SET host = excluded.host WHERE NOT EXISTS (
                        SELECT 1 FROM certificate WHERE certificate.host = hostMAC.host AND revoked IS NULL)
                    """
            )
        }
    }

    /// Finds out why no open claim has this code, and counts a wrong one against all of them.
    private func refuse(
        _ code: ApprovalCode,
        on host: HostRow,
        _ pending: [ClaimRow],
        office: ApprovalOffice,
        context: TransitionContext,
        in db: Database
    ) throws -> EngineError {
        let closed = try ClaimCode.closed(of: host.id, in: db)
        let former = closed.last { $0.code(authorityKey: office.authority.publicKeyInfo) == code }
        if former?.state == .approved { return Self.nothingToApprove(host) }
        let unasked = pending.isEmpty ? Self.unasked(code, on: host) : Self.wrong(code, on: host)
        let refusal = former.map { Self.stale(code, on: host, $0.state) } ?? unasked
        try record(
            Occurrence(
                .approveFailed,
                .error,
                refusal.detail,
                host: host,
                user: context.user,
                correlation: context.correlation
            ),
            at: context.now,
            in: db
        )
        if former == nil { try countWrongCode(on: host, pending, office.limits, at: context.now, in: db) }
        return refusal
    }

    private func countWrongCode(
        on host: HostRow,
        _ claims: [ClaimRow],
        _ limits: EnrolmentLimits,
        at now: Int64,
        in db: Database
    ) throws {
        for var claim in claims {
            claim.wrongCodes += 1
            guard claim.wrongCodes >= limits.wrongCodesPerClaimMax else {
                try claim.update(db)
                continue
            }
            try claim.close(.rejected, at: now, in: db)
            let text = "A claim on host \(host.name) is closed after \(claim.wrongCodes) wrong codes."
            try record(Occurrence(.claimClosed, .alert, text, host: host), at: now, in: db)
        }
    }

    private static func unasked(_ code: ApprovalCode, on host: HostRow) -> EngineError {
        EngineError(
            .conflict,
            "The code \(code) is not the code of host \(host.name), which has no open claim.",
            remedy: nothingToApprove(host).remedy
        )
    }

    private static func stale(
        _ code: ApprovalCode,
        on host: HostRow,
        _ state: ClaimProgress.State
    ) -> EngineError {
        EngineError(
            .conflict,
            "The code \(code) belongs to a claim on host \(host.name) that is \(state.rawValue).",
            remedy: "Read the code that is on the screen now; a node makes a new claim by itself."
        )
    }

    private static func wrong(_ code: ApprovalCode, on host: HostRow) -> EngineError {
        EngineError(
            .conflict,
            "The code \(code) is not the code of host \(host.name).",
            remedy: "Compare it with the node's screen. If they agree, somebody stands between node and engine."
        )
    }
}
