import Foundation
import GRDB
import HostModel

/// A machine that a person turned away, by the key that it showed and, unless it claimed to be a host that is known, by
/// its hardware id: who approved a host must not be kept out by somebody who only claimed to be it.
struct RejectionRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "rejection"

    /// Of the rejected claim where the claim itself is gone, so that its polls are answered; else an id of its own.
    var id: UniqueID
    var publicKey: Data?
    var hardwareID: HardwareID?
    var name: HostName
    var address: String
    var user: String?
    var time: Int64
    var until: Int64
}

extension RejectionRow {
    static func valid(_ id: UniqueID, at now: Int64, in db: Database) throws -> RejectionRow? {
        try filter(Column("id") == id && Column("until") > now).fetchOne(db)
    }

    /// The rejection that a new claim runs into.
    static func of(_ new: NewClaim, in db: Database) throws -> RejectionRow? {
        try filter(Column("until") > new.now)
            .filter(Column("publicKey") == new.publicKey || Column("hardwareID") == new.request.hardwareID)
            .order(Column("until").desc).fetchOne(db)
    }

    static func of(_ hardwareID: HardwareID, at now: Int64, in db: Database) throws -> RejectionRow? {
        try filter(Column("until") > now && Column("hardwareID") == hardwareID).fetchOne(db)
    }
}

extension Store {
    /// Closes the open claims of a host and keeps who made them away for a time; a host that was never approved is
    /// forgotten.
    func reject(_ id: UniqueID, limits: EnrolmentLimits, context: TransitionContext) async throws(EngineError) {
        try await write { db in
            try expireClaims(limits: limits, at: context.now, in: db)
            let host = try HostRow.require(id, in: db)
            let open = try ClaimRow.fetch(of: id, [.committed, .pending], in: db)
            let wasApproved = try CertificateRow.valid(of: id, in: db) != nil || host.status != .pendingApproval
            guard !open.isEmpty || !wasApproved else {
                throw EngineError(.conflict, "Host \(host.name) has no open claim to reject.")
            }
            try keepAway(host, open, wasApproved: wasApproved, limits: limits, context: context, in: db)
            for var claim in open { try claim.close(.rejected, at: context.now, in: db) }
            let text = "\(open.count) claims on host \(host.name) are rejected."
            let (user, correlation) = (context.user, context.correlation)
            let said = Occurrence(.claimRejected, .warning, text, host: host, user: user, correlation: correlation)
            try record(said, at: context.now, in: db)
            if !wasApproved { try HostRow.filter(Column("id") == id).deleteAll(db) }
        }
    }

    private func keepAway(
        _ host: HostRow,
        _ claims: [ClaimRow],
        wasApproved: Bool,
        limits: EnrolmentLimits,
        context: TransitionContext,
        in db: Database
    ) throws {
        func keep(_ claim: ClaimRow?, id: UniqueID) throws {
            try RejectionRow(
                id: id,
                publicKey: claim?.publicKey,
                hardwareID: wasApproved ? nil : claim?.hardwareID ?? host.hardwareID,
                name: host.name,
                address: claim.map { "\($0.address)" } ?? host.address,
                user: context.user,
                time: context.now,
                until: context.now + limits.rejectionSeconds * 1000
            ).insert(db)
        }
        for claim in claims { try keep(claim, id: wasApproved ? .random() : claim.id) }
        if claims.isEmpty, host.hardwareID != nil { try keep(nil, id: .random()) }
        try db.execute(
            literal: """
                DELETE FROM rejection WHERE id IN (
                    SELECT id FROM rejection ORDER BY until DESC LIMIT -1 OFFSET \(limits.rejectionsMax))
                """
        )
    }

    /// The rejections that hold, newest first.
    func rejections(at now: Int64) async throws(EngineError) -> [RejectionRecord] {
        try await read { db in
            try RejectionRow.filter(Column("until") > now).order(Column("time").desc, Column("id")).fetchAll(db)
                .map(RejectionRecord.init)
        }
    }

    /// Takes a rejection back: the machine may claim again, and does so by itself within minutes.
    func readmit(_ id: UniqueID, context: TransitionContext) async throws(EngineError) {
        try await write { db in
            guard let rejection = try RejectionRow.valid(id, at: context.now, in: db) else {
                throw EngineError(
                    .notFound,
                    "There is no rejection \(id).",
                    remedy: "`muster host list --rejected` shows what there is."
                )
            }
            // The same machine may have been rejected under several keys.
            try RejectionRow.filter(Column("id") == id).deleteAll(db)
            if let hardwareID = rejection.hardwareID {
                try RejectionRow.filter(Column("hardwareID") == hardwareID).deleteAll(db)
            }
            let text = "The rejection of \(rejection.name) is taken back; the machine may claim again."
            try record(
                Occurrence(.rejectionUndone, .normal, text, user: context.user, correlation: context.correlation),
                at: context.now,
                in: db
            )
        }
    }
}

extension RejectionRecord {
    init(_ row: RejectionRow) {
        (id, name, hardwareID, address) = (row.id, row.name.rawValue, row.hardwareID, row.address)
        keyFingerprint = row.publicKey.map { Engine.keyFingerprint($0) }
        (user, time, until) = (row.user, row.time, row.until)
    }
}
