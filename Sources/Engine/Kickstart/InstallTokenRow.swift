import GRDB
import HostModel

/// A token of an installation: for the fetch of a kickstart, or for the report of how it ended.
struct InstallTokenRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "installToken"

    enum Purpose: String, Sendable, Codable, DatabaseValueConvertible {
        case kickstart
        case report
    }

    /// SHA-256 of the token.
    var digest: Nonce
    var host: UniqueID
    var purpose: Purpose
    /// The boot profile by its name; it may be gone by the time that the token is used.
    var profile: String
    var firmware: BootFirmware
    var created: Int64
    var expires: Int64
    /// `nil` until it is used or gives way.
    var spent: Int64?

    static func fetch(_ token: Nonce, _ purpose: Purpose, in db: Database) throws -> InstallTokenRow? {
        let digest = tokenDigest(token)
        return try filter(Column("digest") == digest && Column("purpose") == purpose).fetchOne(db)
    }

    /// Why it opens nothing now; `nil` when it does.
    func refusal(at now: Int64) -> TokenRefusal? {
        if spent != nil { return .spent }
        return now >= expires ? .expired : nil
    }

    /// Spends what is unspent of a host, all but the newest `keeping`.
    static func spend(
        _ purpose: Purpose,
        of host: UniqueID,
        keeping: Int = 0,
        at now: Int64,
        in db: Database
    ) throws {
        try db.execute(
            literal: """
                UPDATE installToken SET spent = \(now) WHERE digest IN (
                    SELECT digest FROM installToken
                    WHERE host = \(host) AND purpose = \(purpose) AND spent IS NULL
                    ORDER BY created DESC, digest LIMIT -1 OFFSET \(keeping))
                """
        )
    }

    /// Forgets what nobody will ask for again.
    static func forget(before time: Int64, in db: Database) throws {
        try db.execute(literal: "DELETE FROM installToken WHERE expires < \(time)")
    }
}

extension BootFirmware: DatabaseValueConvertible {}
