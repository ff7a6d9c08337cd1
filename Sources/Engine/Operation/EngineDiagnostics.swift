import Foundation
import GRDB

/// What an installation is made of, for whoever has to find out why it does not do what it should. No key, no password and no
/// token is in it: it says how many rows a table has, never what is in one.
package struct EngineDiagnostics: Sendable, Codable {
    package struct Database: Sendable, Codable {
        package var bytes: Int64
        package var journalBytes: Int64
        /// Names of the migrations that were applied, in their order.
        package var schema: [String]
        /// Rows of each table.
        package var rows: [String: Int]
        /// What SQLite's own quick check says: `ok`.
        package var check: String
    }

    package var version: String
    package var program: String
    /// Milliseconds since 1970, by the engine's clock.
    package var time: Int64
    /// Every setting that holds. None of them is a secret: those lie in files, of which the name is told.
    package var settings: [String: String]
    package var database: Database
    /// Where the chains of events stand.
    package var auditHeads: String
    /// The installation was restored, and speaks to no host of the backup yet.
    package var isHeld: Bool
    package var authorityFingerprint: String
}

extension HostEngine {
    package static let version = "1.0.0"

    package func diagnostics() async throws(EngineError) -> EngineDiagnostics {
        let rows = try await store.read { db in
            let tables = try String.fetchAll(
                db,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
            let counts = try tables.map { ($0, try Int.fetchOne(db, sql: "SELECT count(*) FROM \"\($0)\"") ?? 0) }
            return Dictionary(counts) { first, _ in first }
        }
        let (schema, check) = try await store.read { db in
            (
                try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid"),
                try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
            )
        }
        return EngineDiagnostics(
            version: Self.version,
            program: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "",
            time: settings.clock.now(),
            settings: settings.shown,
            database: .init(
                bytes: Self.size(of: settings.databasePath),
                journalBytes: Self.size(of: "\(settings.databasePath)-wal"),
                schema: schema,
                rows: rows,
                check: check
            ),
            auditHeads: try await auditHeads(),
            isHeld: hold.since() != nil,
            authorityFingerprint: authorityFingerprint
        )
    }

    /// The newest lines of the engine's own log, the oldest first.
    package var recentLog: [String] { settings.recentLog() }

    private static func size(of path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }
}
