import Crypto
import Foundation
import GRDB

/// How long who signed in stays so.
package struct SessionLimits: Sendable {
    /// A token that nobody used for so long is void, in milliseconds.
    package var idle: Int64 = 30 * 60_000
    /// No token lives longer, in milliseconds.
    package var life: Int64 = 24 * 3_600_000
    /// The most tokens kept; one more makes the longest unused one void.
    package var count = 4096
    /// A use is written down only when the last one that was is older, in milliseconds: not every call is a write.
    package var useInterval: Int64 = 60_000

    package init() {}
}

// A token is 32 random bytes; only its SHA-256 is kept, so that a copy of the database gives none away.

extension HostEngine {
    /// Begins a session: a token of 43 characters of base64url, and when it ends at the latest, in milliseconds since
    /// 1970.
    package func beginSession(of user: String) async throws(EngineError) -> (token: String, end: Int64) {
        try await beginSession(of: user, verified: nil)
    }

    /// The same for who has just signed in: nobody whose password was changed, or who was removed, while it was checked.
    package func beginSession(of user: UserRecord) async throws(EngineError) -> (token: String, end: Int64) {
        try await beginSession(of: user.name, verified: user)
    }

    private func beginSession(
        of name: String,
        verified: UserRecord?
    ) async throws(EngineError) -> (token: String, end: Int64) {
        let token = Self.base64url(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) })
        let now = settings.clock.now()
        try await store.beginSession(Self.digest(token), of: name, verified: verified, at: now, settings.sessions)
        return (token, now + settings.sessions.life)
    }

    /// Whose token this is, and that it is in use; `nil` for an unknown, expired or revoked one.
    package func sessionUser(_ token: String) async throws(EngineError) -> String? {
        try await validSession(token)?.row.user
    }

    /// The user whose token this is, with what that user may do now; `nil` also for one that was removed or disabled.
    package func signedInUser(_ token: String) async throws(EngineError) -> UserRecord? {
        try await validSession(token)?.user
    }

    private func validSession(_ token: String) async throws(EngineError) -> (row: SessionRow, user: UserRecord?)? {
        let (digest, now, limits) = (Self.digest(token), settings.clock.now(), settings.sessions)
        guard let session = try await store.session(digest), session.row.isValid(at: now, limits) else { return nil }
        guard now - session.row.used >= limits.useInterval else { return session }
        try await store.useSession(digest, at: now)
        // That may have waited behind other writers: what the user may do is what it is now.
        return try await store.session(digest)
    }

    /// Makes a token void; an unknown one already is.
    package func endSession(_ token: String) async throws(EngineError) {
        try await store.endSession(Self.digest(token))
    }

    static func digest(_ token: String) -> Data { Data(SHA256.hash(data: Data(token.utf8))) }

    private static func base64url(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

/// A session as it stands in the database.
struct SessionRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "session"

    /// SHA-256 of the token.
    var digest: Data
    var user: String
    var issued: Int64
    var used: Int64

    func isValid(at now: Int64, _ limits: SessionLimits) -> Bool {
        now - used < limits.idle && now - issued < limits.life
    }
}

extension Store {
    /// The session, and its user where that one may sign in. One look at the database, in words that it knows already: every
    /// call of the API begins with it.
    func session(_ digest: Data) async throws(EngineError) -> (row: SessionRow, user: UserRecord?)? {
        try await read { db in
            let sql: SQL = "SELECT user, issued, used FROM session WHERE digest = \(digest)"
            guard let row = try SQLRequest<Row>(literal: sql, cached: true).fetchOne(db) else { return nil }
            let session = SessionRow(digest: digest, user: row[0], issued: row[1], used: row[2])
            let name: SQL = "SELECT * FROM user WHERE name = \(session.user) AND isEnabled = 1"
            return (session, try SQLRequest<Row>(literal: name, cached: true).fetchOne(db).map(UserRecord.init))
        }
    }

    func beginSession(
        _ digest: Data,
        of user: String,
        verified: UserRecord? = nil,
        at now: Int64,
        _ limits: SessionLimits
    ) async throws(EngineError) {
        try await write { db in
            if let verified {
                let request: SQLRequest<Row> = """
                    SELECT 1 FROM user WHERE id = \(verified.id) AND isEnabled = 1 AND password = \(verified.storedPassword)
                    """
                guard try request.fetchOne(db) != nil else { throw HostEngine.signInRefusal }
            }
            try db.execute(
                literal: "DELETE FROM session WHERE used <= \(now - limits.idle) OR issued <= \(now - limits.life)"
            )
            try db.execute(
                literal: """
                    DELETE FROM session WHERE digest IN
                    (SELECT digest FROM session ORDER BY used DESC LIMIT -1 OFFSET \(limits.count - 1))
                    """
            )
            try SessionRow(digest: digest, user: user, issued: now, used: now).insert(db)
        }
    }

    func useSession(_ digest: Data, at now: Int64) async throws(EngineError) {
        try await write { try $0.execute(literal: "UPDATE session SET used = \(now) WHERE digest = \(digest)") }
    }

    func endSession(_ digest: Data) async throws(EngineError) {
        try await write { try $0.execute(literal: "DELETE FROM session WHERE digest = \(digest)") }
    }
}
