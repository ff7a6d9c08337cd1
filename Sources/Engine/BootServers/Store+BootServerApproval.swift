import Crypto
import Foundation
import GRDB
import HostModel
import SwiftASN1
import X509

extension Store {
    /// Approves the claim of this name if its code is this one: the key is certified, for the role of a boot server and no
    /// other. A wrong code leaves a trace, so the transaction is committed and the refusal thrown after it.
    func approveBootServer(
        _ name: String,
        code: ApprovalCode,
        office: ApprovalOffice,
        limits: BootServerLimits,
        context: TransitionContext
    ) async throws(EngineError) {
        let refusal: EngineError? = try await write { db in
            try endBootClaims(at: context.now, in: db)
            var row = try BootServerRow.require(name, in: db)
            let isRight = row.code(authorityKey: office.authority.publicKeyInfo) == code
            if row.state == .approved {
                // Asked again, because the answer was lost.
                if isRight { return nil }
                throw EngineError(.conflict, "The boot server \(row.name) was approved already.")
            }
            guard row.state == .pending else {
                throw EngineError(
                    .conflict,
                    "The boot server \(row.name) has no open claim.",
                    remedy: "It makes a new claim by itself and shows its code: look at its log."
                )
            }
            guard isRight else { return try refuse(code, on: &row, office.limits, context, in: db) }
            guard try BootServerRow.filter(Column("state") == "approved").fetchCount(db) < limits.approvedMax else {
                throw EngineError(
                    .conflict,
                    "There are \(limits.approvedMax) boot servers already.",
                    remedy: "Remove one that is gone: `muster boot remove NAME`."
                )
            }
            try certify(&row, office.authority, at: context.now)
            (row.state, row.until) = (.approved, nil)
            try row.update(db)
            let text =
                "The boot server \(row.name) at \(row.source) was approved (key \(keyFingerprint(row.publicKey)))."
            try tell(.bootServerApproved, .normal, text, context, in: db)
            return nil
        }
        if let refusal { throw refusal }
    }

    private func refuse(
        _ code: ApprovalCode,
        on row: inout BootServerRow,
        _ limits: EnrolmentLimits,
        _ context: TransitionContext,
        in db: Database
    ) throws -> EngineError {
        let refusal = EngineError(
            .conflict,
            "The code \(code) is not the code of the boot server \(row.name).",
            remedy: "Compare it with its log. If they agree, somebody stands between it and the engine."
        )
        try tell(.bootServerRefused, .error, refusal.detail, context, in: db)
        row.wrongCodes += 1
        if row.wrongCodes < limits.wrongCodesPerClaimMax {
            try row.update(db)
        } else {
            try row.delete(db)
            let text = "The claim of the boot server \(row.name) is closed after \(row.wrongCodes) wrong codes."
            try tell(.bootServerRefused, .alert, text, context, in: db)
        }
        return refusal
    }

    private func certify(_ row: inout BootServerRow, _ authority: CertificateAuthority, at now: Int64) throws {
        let certificate = try authority.issue(
            role: .boot(row.id),
            address: row.source,
            key: try P256.Signing.PublicKey(derRepresentation: row.publicKey),
            now: Date(timeIntervalSince1970: Double(now) / 1000)
        )
        (row.certificate, row.issued) = (try certificate.serializeAsPEM().pemString + "\n", now)
    }

    /// Turns an open claim away, for as long as a machine that was rejected.
    func denyBootServer(
        _ name: String,
        enrolment: EnrolmentLimits,
        limits: BootServerLimits,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            try endBootClaims(at: context.now, in: db)
            var row = try BootServerRow.require(name, in: db)
            guard row.state == .pending else {
                throw EngineError(
                    .conflict,
                    "The boot server \(row.name) has no open claim to deny.",
                    remedy: row.state == .approved ? "Take it away with `muster boot remove \(row.name)`." : nil
                )
            }
            (row.state, row.until) = (.rejected, context.now + enrolment.rejectionSeconds * 1000)
            try row.update(db)
            try db.execute(
                literal: """
                    DELETE FROM bootServer WHERE id IN (
                        SELECT id FROM bootServer WHERE state = 'rejected'
                        ORDER BY until DESC LIMIT -1 OFFSET \(limits.rejectedMax))
                    """
            )
            try tell(.bootServerDenied, .warning, "The boot server \(row.name) was denied.", context, in: db)
        }
    }

    /// Forgets a boot server: its key counts for nothing from the next call on. A denial is taken back by that.
    func removeBootServer(_ name: String, context: TransitionContext) async throws(EngineError) {
        try await write { db in
            let row = try BootServerRow.require(name, in: db)
            try row.delete(db)
            let text =
                row.state == .approved
                ? "The boot server \(row.name) was removed, and its key is revoked."
                : "What was known of the boot server \(row.name) was removed."
            try tell(.bootServerRemoved, .warning, text, context, in: db)
        }
    }

    private func tell(
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        _ context: TransitionContext,
        in db: Database
    ) throws {
        let event = Occurrence(code, severity, text, user: context.user, correlation: context.correlation)
        try record(event, at: context.now, in: db)
    }

    func bootServers(at now: Int64) async throws(EngineError) -> [BootServerRow] {
        try await read { db in
            let rows = try BootServerRow.filter(Column("state") != ClaimProgress.State.committed)
                .order(Column("name"), Column("id")).fetchAll(db)
            return rows.filter { $0.until.map { $0 > now } ?? true }
        }
    }

    /// The approved boot server of this id and key; `nil`: whoever shows it is nobody's, or was removed.
    func bootServer(_ id: UniqueID, key: Data) async throws(EngineError) -> BootServerRow? {
        try await read { db in
            try BootServerRow.filter(Column("id") == id && Column("publicKey") == key && Column("state") == "approved")
                .fetchOne(db)
        }
    }

    /// The boot server's certificate for its approved key; the next one when the time of the one before is nearly over.
    func bootCertificate(
        of id: UniqueID,
        due: Int64,
        authority: CertificateAuthority,
        at now: Int64
    ) async throws(EngineError) -> String {
        let known = try await read { try BootServerRow.fetchOne($0, key: id) }
        if let certificate = known?.certificate, let issued = known?.issued, issued >= due { return certificate }
        return try await write { db in
            guard var row = try BootServerRow.fetchOne(db, key: id), row.state == .approved else {
                throw EngineError(.forbidden, "This boot server was removed.")
            }
            try certify(&row, authority, at: now)
            try row.update(db)
            let text = "The boot server \(row.name) has its next certificate, for the key that was approved."
            try record(Occurrence(.certificateIssued, .normal, text), at: now, in: db)
            return row.certificate ?? ""
        }
    }

    func heardBootServer(_ id: UniqueID, at now: Int64) async throws(EngineError) {
        try await write { try $0.execute(literal: "UPDATE bootServer SET lastHeard = \(now) WHERE id = \(id)") }
    }
}
