import GRDB
package import HostModel

/// A state of a profile as it was saved; time in milliseconds since 1970.
package struct ProfileVersionRecord: Sendable {
    package var version: Int
    package var saved: Int64
    package var user: String
    package var profile: BootProfile
}

extension Store {
    /// Versions of a profile that are kept; older ones leave.
    static let profileVersionsMax = 50

    /// The newest first.
    func profileVersions(_ name: String) async throws(EngineError) -> [ProfileVersionRecord] {
        try await read { db in
            guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
            return try Self.profileVersions(name, in: db)
        }
    }

    private static func profileVersions(_ name: String, in db: Database) throws -> [ProfileVersionRecord] {
        let sql = "SELECT * FROM profileVersion WHERE profile = ? ORDER BY version DESC"
        return try Row.fetchAll(db, sql: sql, arguments: [name]).compactMap { row in
            guard let profile: BootProfile = ColumnJSON.decode(row["content"]) else { return nil }
            return ProfileVersionRecord(
                version: row["version"],
                saved: row["saved"],
                user: row["user"],
                profile: profile
            )
        }
    }

    /// Keeps what was just saved as the newest version. Saving what is there makes none.
    func keepVersion(_ profile: BootProfile, by user: String, at now: Int64, in db: Database) throws {
        let newest = try Self.profileVersions(profile.name, in: db).first
        guard newest?.profile != profile else { return }
        let version = (newest?.version ?? 0) + 1
        try db.execute(
            literal: """
                INSERT INTO profileVersion (profile, version, saved, user, content)
                VALUES (\(profile.name), \(version), \(now), \(user), \(try ColumnJSON.encode(profile)))
                """
        )
        try db.execute(
            literal: """
                DELETE FROM profileVersion
                WHERE profile = \(profile.name) AND version <= \(version - Self.profileVersionsMax)
                """
        )
    }

    /// Makes the profile again what it was: history only grows, so a rollback can be rolled back.
    func rollBack(
        _ name: String,
        to version: Int?,
        by user: String,
        at now: Int64
    ) async throws(EngineError) -> BootProfile {
        try await write { db in
            guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
            let versions = try Self.profileVersions(name, in: db)
            let found = version.map { wanted in versions.first { $0.version == wanted } } ?? versions.dropFirst().first
            guard let found else {
                let wanted = version.map { "There is no version \($0) of the profile \(name)" }
                throw EngineError(
                    .conflict,
                    "\(wanted ?? "The profile \(name) has no version before this one").",
                    remedy: "`muster profile versions \(name)` shows what there is."
                )
            }
            // What was allowed then need not be now.
            try found.profile.check()
            try save(found.profile, by: user, at: now, in: db)
            let text = "The boot profile \(name) is again what it was as version \(found.version)."
            try record(Occurrence(.profileSaved, .normal, text, user: user), at: now, in: db)
            return found.profile
        }
    }
}
