import Foundation
import GRDB
import HostModel

// Nobody signs in to enrol, so whatever a machine leaves behind has a limit: a share for each source, a limit for all, and
// a time after which it is forgotten. A limit for all never turns a newcomer away: what is oldest of whoever has most
// gives way, so that a flood costs the flooder.

extension Store {
    /// SQL for a host that is nothing but a machine's word: never approved, and no person gave it a boot profile.
    static let isOnlySaid = """
        status = 'pending_approval' AND source IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM certificate WHERE certificate.host = host.id)
        AND NOT EXISTS (SELECT 1 FROM bootAssignment WHERE bootAssignment.host = host.id)
        """

    private static let hasNoOpenClaim = """
        NOT EXISTS (SELECT 1 FROM claim WHERE claim.host = host.id AND claim.closed IS NULL)
        """

    /// A machine that waits was heard again.
    func heard(_ id: UniqueID, at now: Int64, in db: Database) throws {
        try db.execute(sql: "UPDATE host SET lastSeen = ? WHERE id = ? AND \(Self.isOnlySaid)", arguments: [now, id])
    }

    /// Its key speaks for another machine now, so nothing speaks for this one.
    func forgetIfOnlySaid(_ id: UniqueID, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM host WHERE id = ? AND \(Self.isOnlySaid) AND \(Self.hasNoOpenClaim)",
            arguments: [id]
        )
    }

    /// What only knocked and never opened a nonce was seen by nobody. What oVirt's protocol registered has no claims and
    /// stays until its time is over.
    func forgetIfNothingIsLeft(_ id: UniqueID, in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM host WHERE id = ? AND facts IS NOT NULL AND \(Self.isOnlySaid)
                AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.host = host.id)
                """,
            arguments: [id]
        )
    }

    /// Room for one more open claim from a source, on a known host if it names one.
    func makeRoom(
        for source: String,
        on host: UniqueID?,
        limits: EnrolmentLimits,
        at now: Int64,
        in db: Database
    ) throws {
        let open = ClaimRow.filter(Column("closed") == nil)
        guard try open.filter(Column("source") == source).fetchCount(db) < limits.openClaimsPerSourceMax else {
            throw EngineError(
                .tooMany,
                "\(limits.openClaimsPerSourceMax) claims from \(source) wait already.",
                remedy: "Approve or reject some."
            )
        }
        if try open.fetchCount(db) >= limits.openClaimsMax {
            try giveWay("closed IS NULL", [], limits: limits, at: now, in: db)
        }
        guard let host else { return }
        if try open.filter(Column("host") == host).fetchCount(db) >= limits.openClaimsPerHostMax {
            try giveWay("closed IS NULL AND host = ?", [host], limits: limits, at: now, in: db)
        }
    }

    /// Ends the oldest claim of the source that has most of them.
    private func giveWay(
        _ condition: String,
        _ arguments: StatementArguments,
        limits: EnrolmentLimits,
        at now: Int64,
        in db: Database
    ) throws {
        let sql = """
            SELECT * FROM claim WHERE \(condition) AND source = (
                SELECT source FROM claim WHERE \(condition) GROUP BY source ORDER BY count(*) DESC, min(created) LIMIT 1)
            ORDER BY created, id LIMIT 1
            """
        guard var claim = try ClaimRow.fetchOne(db, sql: sql, arguments: arguments + arguments) else { return }
        try close(&claim, .expired, limits: limits, at: now, in: db)
        try forgetIfOnlySaid(claim.host, in: db)
    }

    /// Room for one more host that waits.
    func makeRoomForHost(from source: String, limits: EnrolmentLimits, in db: Database) throws {
        let waiting = "status = 'pending_approval' AND source IS NOT NULL"
        let count = "SELECT count(*) FROM host WHERE \(waiting)"
        let own = try Int.fetchOne(db, sql: "\(count) AND source = ?", arguments: [source]) ?? 0
        if own >= limits.waitingHostsPerSourceMax {
            // Its own that nothing speaks for any more give way; what still shows a code on a screen does not.
            try evict("source = ? AND \(Self.hasNoOpenClaim)", [source], in: db)
            guard db.changesCount == 1 else {
                throw EngineError(
                    .tooMany,
                    "\(limits.waitingHostsPerSourceMax) machines from \(source) wait for approval already.",
                    remedy: "Approve, reject or remove some."
                )
            }
        }
        guard try Int.fetchOne(db, sql: count) ?? 0 >= limits.waitingHostsMax else { return }
        try evict(Self.hasNoOpenClaim, [], in: db)
        if db.changesCount == 1 { return }
        let biggest = """
            source = (SELECT source FROM host WHERE \(waiting) GROUP BY source ORDER BY count(*) DESC, min(lastSeen) LIMIT 1)
            """
        try evict(biggest, [], in: db)
    }

    private func evict(_ condition: String, _ arguments: StatementArguments, in db: Database) throws {
        let sql = """
            DELETE FROM host WHERE id = (
                SELECT id FROM host WHERE \(Self.isOnlySaid) AND \(condition) ORDER BY lastSeen, created, id LIMIT 1)
            """
        try db.execute(sql: sql, arguments: arguments)
    }

    /// A commitment counts once: a replayed claim shows itself by it, and is recorded.
    func refuseReplay(of new: NewClaim, in db: Database) throws -> EngineError? {
        guard try isSpent(new.request.nonceHash, in: db) else { return nil }
        let host = try HostRow.filter(Column("hardwareID") == new.request.hardwareID).fetchOne(db)
        let machine = terminalEscaped(new.request.hardwareID.rawValue)
        let text =
            "A claim from \(new.source) for machine \(machine) repeats one that was made before; it is refused. "
            + "Somebody may have recorded it."
        try record(Occurrence(.claimReplayed, .warning, text, host: host), at: new.now, in: db)
        return EngineError(
            .conflict,
            "The nonce of this claim was used before.",
            remedy: "Make a new claim with a fresh nonce."
        )
    }

    func isSpent(_ hash: Nonce, in db: Database) throws -> Bool {
        try Row.fetchOne(db, sql: "SELECT 1 FROM spentNonce WHERE hash = ?", arguments: [hash]) != nil
    }

    func spend(_ hash: Nonce, of publicKey: Data, at now: Int64, in db: Database) throws {
        try db.execute(
            literal: "INSERT INTO spentNonce (hash, publicKey, time) VALUES (\(hash), \(publicKey), \(now))"
        )
    }

    /// Once a minute: what has had its time.
    func keepHouse(limits: EnrolmentLimits, at now: Int64, in db: Database) throws {
        try expireClaims(limits: limits, at: now, in: db)
        try db.execute(literal: "DELETE FROM claim WHERE closed <= \(now - limits.closedClaimSeconds * 1000)")
        try db.execute(
            literal: """
                DELETE FROM claim WHERE id IN (
                    SELECT id FROM claim WHERE closed IS NOT NULL AND certificate IS NULL
                    ORDER BY closed DESC LIMIT -1 OFFSET \(limits.closedClaimsMax))
                """
        )
        try db.execute(
            sql: "DELETE FROM host WHERE lastSeen <= ? AND \(Self.isOnlySaid) AND \(Self.hasNoOpenClaim)",
            arguments: [now - limits.waitingHostSeconds * 1000]
        )
        try db.execute(literal: "DELETE FROM rejection WHERE until <= \(now)")
        try pruneNonces(limits: limits, at: now, in: db)
    }

    /// Forgets spent nonces so that a replay stays refused where it would do harm: as long as a key has an open claim or
    /// a certificate, a recorded claim of that key would take the place of the node's own; the newest nonces of such a
    /// key are kept, and nobody but its holder can make more. Of any other key a replay is worth no more than a made-up
    /// claim: it opens nothing, because each claim gets a fresh nonce of the engine's.
    private func pruneNonces(limits: EnrolmentLimits, at now: Int64, in db: Database) throws {
        let living = """
            SELECT publicKey FROM claim WHERE closed IS NULL
            UNION SELECT publicKey FROM certificate WHERE revoked IS NULL
            UNION SELECT publicKey FROM bootServer
            """
        try db.execute(
            sql: "DELETE FROM spentNonce WHERE time <= ? AND publicKey NOT IN (\(living))",
            arguments: [now - limits.strayNonceSeconds * 1000]
        )
        try db.execute(
            sql: """
                DELETE FROM spentNonce WHERE hash IN (
                    SELECT hash FROM spentNonce WHERE publicKey NOT IN (\(living))
                    ORDER BY time DESC LIMIT -1 OFFSET ?)
                """,
            arguments: [limits.strayNoncesMax]
        )
        let crowded = "SELECT publicKey FROM spentNonce GROUP BY publicKey HAVING count(*) > ?"
        for key in try Data.fetchAll(db, sql: crowded, arguments: [limits.noncesPerKeyMax]) {
            try db.execute(
                literal: """
                    DELETE FROM spentNonce WHERE hash IN (
                        SELECT hash FROM spentNonce WHERE publicKey = \(key)
                        ORDER BY time DESC LIMIT -1 OFFSET \(limits.noncesPerKeyMax))
                    """
            )
        }
    }
}
