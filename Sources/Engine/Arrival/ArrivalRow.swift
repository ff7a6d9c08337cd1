import GRDB
import HostModel

/// An announced machine that is to come by itself, as it stands in the database; gone once its host is approved.
struct ArrivalRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "arrival"

    var host: UniqueID
    /// When the engine switched it on to boot from the network.
    var switched: Int64?
    /// SHA-256 of its token, and when that was handed out.
    var digest: Nonce?
    var handed: Int64?
    /// The claim that the token was spent for.
    var claim: UniqueID?
    /// Who announced it.
    var user: String?
    var correlation: String?

    static func fetch(_ host: UniqueID, in db: Database) throws -> ArrivalRow? {
        try filter(Column("host") == host).fetchOne(db)
    }

    static func fetch(token: Nonce, in db: Database) throws -> ArrivalRow? {
        try filter(Column("digest") == tokenDigest(token)).fetchOne(db)
    }

    /// Whether the machine may be given its token now: once, and not long after it was switched on.
    func isDue(at now: Int64, within window: Int64) -> Bool {
        guard let switched, digest == nil else { return false }
        return now - switched <= window
    }

    /// The engine switches the machine on: whatever was handed out before counts no more.
    static func switchedOn(_ host: UniqueID, at now: Int64, in db: Database) throws {
        try db.execute(
            literal: """
                UPDATE arrival SET switched = \(now), digest = NULL, handed = NULL, claim = NULL WHERE host = \(host)
                """
        )
    }
}

/// What an announced machine did not do in time.
struct ArrivalFailure: Hashable, Sendable {
    enum Step: String, Sendable {
        case power
        case boot
        case register
    }

    var step: Step
    var reason: String
    var remedy: String
}
