import Foundation
import GRDB
import Logging

/// The engine's memory: one SQLite database in WAL mode with one writer. Callers see whole transitions, each one
/// transaction, never rows; the transitions stand in the extensions beside this file.
struct Store: Sendable {
    private let pool: DatabasePool
    /// Told of each event once it is committed.
    let feed: EventFeed
    let described = DescribedHosts()
    let retention: EventRetention
    private let file: DatabaseFile
    /// Told of each event once it is committed.
    let logger: Logger

    /// Opens the database, and brings an older one forward. Refuses one that a newer engine wrote. Where there is none one is
    /// made only if that is wanted (`making`): an installation whose database is gone is not an empty one.
    static func open(
        _ path: String,
        retention: EventRetention = EventRetention(),
        making: Bool = true,
        logger: Logger = Logger(label: "store") { _ in SwiftLogNoOpLogHandler() }
    ) throws(EngineError) -> Store {
        do {
            if making { try DurableFile.makePrivate(path) } else { try DatabaseFile.checkBeforeOpening(path) }
            var configuration = Configuration()
            configuration.label = "engine"
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            let pool = try DatabasePool(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try pool.read({ try migrator.hasBeenSuperseded($0) }) {
                throw EngineError(
                    .conflict,
                    "\(path) was written by a newer muster-engine.",
                    remedy: "Run that version, or restore a backup of this one."
                )
            }
            try migrator.migrate(pool)
            // What the last run left in the journal goes into the database itself: it is whole at every start, and a journal
            // that is lost later costs what was committed since then.
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
            let newest = try pool.read { try Int64.fetchOne($0, sql: #"SELECT max("index") FROM event"#) }
            return Store(
                pool: pool,
                feed: EventFeed(newest: newest ?? 0),
                retention: retention,
                file: DatabaseFile(opened: path),
                logger: logger
            )
        } catch {
            throw refusal(error)
        }
    }

    /// Closes the database file; what comes after is refused.
    func close() throws(EngineError) {
        do {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
            try pool.close()
        } catch { throw Self.refusal(error) }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(EngineError) -> Value {
        do { return try await pool.read(body) } catch { throw Self.refusal(error) }
    }

    /// One transaction; what the body throws undoes it.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(EngineError) -> Value {
        try file.check()
        do { return try await pool.write(body) } catch { throw Self.refusal(error) }
    }

    /// Whether the database is still the file that was opened.
    func checkFile() throws(EngineError) { try file.check() }

    /// A refusal of ours goes through as it is; SQLite's becomes one that says what to look at.
    private static func refusal(_ error: any Error) -> EngineError {
        switch error {
        case let refusal as EngineError: refusal
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            EngineError(.failed, "The engine's disk is full.", remedy: "Free some space; nothing was changed.")
        case let error as DatabaseError where error.resultCode == .SQLITE_READONLY:
            EngineError(
                .failed,
                "The engine's database cannot be written: its file or file system is read-only.",
                remedy: "Look at the mount and at the owner of the data directory; nothing was changed."
            )
        case let error as DatabaseError where error.resultCode == .SQLITE_IOERR:
            EngineError(
                .failed,
                "The disk under the engine's database fails or is full: \(error.message ?? "input/output error").",
                remedy: "Look at its free space and the kernel's log; nothing was changed."
            )
        case let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB:
            EngineError(
                .invalid,
                "The engine's database is damaged: \(error.message ?? "code \(error.resultCode.rawValue)").",
                remedy: "Restore a backup: muster-engine restore FILE --overwrite."
            )
        case let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT:
            EngineError(.conflict, "The change breaks a rule of the database: \(error.message ?? "constraint").")
        case let error as DatabaseError:
            EngineError(.failed, "The database refused: \(error.message ?? "code \(error.resultCode.rawValue)").")
        case is CancellationError: EngineError(.unavailable, "The engine is shutting down.")
        default: EngineError(.failed, "The database failed: \(error).")
        }
    }
}

/// JSON in a column: sorted keys, so that equal values are equal text.
enum ColumnJSON {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ text: String?, as type: Value.Type = Value.self) -> Value? {
        text.flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }
}
