import Foundation
import GRDB
import Glibc

/// One installation in one file: a consistent copy of its database, its keys, and its address. Images are not in it.
package enum InstallationBackup {
    /// What was written, or restored.
    package struct Summary: Hashable, Sendable {
        package var hosts: Int
        package var files: Int
        package var bytes: Int
    }

    /// Beside the database in the data directory.
    private static let plainFiles = ["installation.yaml"]
    private static let fileBytesMax = 1 << 20
    private static let table = "backupFile"

    // MARK: - Writing

    /// Works beside a running engine: SQLite's backup copies what is committed at one moment. The file is 0600 from its
    /// first byte, and is there whole or not at all. Throws where there is no installation, or a file of this name.
    package static func write(_ settings: EngineSettings, to path: String) throws(EngineError) -> Summary {
        guard access(path, F_OK) != 0 else {
            throw EngineError(.conflict, "There is a file \(path) already.", remedy: "Give another name.")
        }
        guard access(settings.databasePath, F_OK) == 0 else {
            throw EngineError(
                .notFound,
                "There is no installation in \(settings.dataDirectory).",
                remedy: "Give --data-directory."
            )
        }
        let temporary = "\(path).new"
        unlink(temporary)
        try DurableFile.makePrivate(temporary)
        do {
            var summary = try copy(settings, to: temporary)
            try BackupFile(path: temporary).seal()
            guard rename(temporary, path) == 0 else { throw DurableFile.failure("put \(path) in its place") }
            try DurableFile.syncDirectory(of: path)
            summary.bytes = size(of: path)
            return summary
        } catch {
            unlink(temporary)
            throw refusal(error, path)
        }
    }

    private static func copy(_ settings: EngineSettings, to path: String) throws -> Summary {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let source = try DatabaseQueue(path: settings.databasePath, configuration: configuration)
        let target = try DatabaseQueue(path: path)
        try source.backup(to: target)
        try source.close()
        // A file of its own, without a journal beside it.
        try target.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        let files = try files(of: settings)
        let hosts = try target.write { db in
            try db.execute(
                sql:
                    "CREATE TABLE \(table) (name TEXT PRIMARY KEY NOT NULL, mode INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT"
            )
            for file in files {
                try db.execute(
                    sql: "INSERT INTO \(table) (name, mode, bytes) VALUES (?, ?, ?)",
                    arguments: [file.name, file.mode, file.bytes]
                )
            }
            return try HostRow.fetchCount(db)
        }
        try target.close()
        return Summary(hosts: hosts, files: files.count, bytes: 0)
    }

    private struct File { var name: String, mode: Int, bytes: Data }

    private static func files(of settings: EngineSettings) throws -> [File] {
        let keys = try FileManager.default.contentsOfDirectory(atPath: settings.keyDirectory).sorted()
        let names = keys.map { "pki/\($0)" } + plainFiles
        return try names.filter(isName).compactMap { name in
            let path = "\(settings.dataDirectory)/\(name)"
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
                attributes[.type] as? FileAttributeType == .typeRegular
            else { return nil }
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o600
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count <= fileBytesMax else {
                throw EngineError(.failed, "\(path) is larger than a key.", remedy: "Move it away.")
            }
            return File(name: name, mode: mode & 0o644, bytes: bytes)
        }
    }

    /// A file of the data directory's own, or one in `pki`: nothing that leads elsewhere.
    private static func isName(_ name: String) -> Bool {
        if plainFiles.contains(name) { return true }
        guard name.hasPrefix("pki/") else { return false }
        let rest = name.dropFirst(4)
        return !rest.isEmpty && !rest.hasPrefix(".") && !rest.hasSuffix(".new")
            && rest.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45 || $0 == 46
            }
    }

    // MARK: - Restoring

    /// Verifies the file (its SHA-256, SQLite's own check, that this engine knows its schema) before anything is changed.
    /// `overwriting`: what is there is moved into a folder `before-restore-…`; without it a data directory with something
    /// in it is refused. No engine may run on it. Unless `takesOver` says that the engine of the backup runs no more, the
    /// restored one speaks to no host of it yet (`RestoreHold`).
    package static func restore(
        _ path: String,
        to settings: EngineSettings,
        overwriting: Bool,
        takesOver: Bool = false
    ) throws(EngineError) -> Summary {
        let directory = settings.dataDirectory
        let present = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
            .filter { !ours.contains($0) }
        guard present.isEmpty || overwriting else {
            throw EngineError(
                .conflict,
                "\(directory) is not empty.",
                remedy: "Give an empty --data-directory, or --overwrite, which moves what is there aside."
            )
        }
        try DurableFile.makeDirectory(directory, mode: 0o755)
        let lock = try InstallationLock(directory: directory)
        defer { withExtendedLifetime(lock) {} }
        let temporary = "\(directory)/\(temporaryName)"
        defer { unlink(temporary) }
        try BackupFile(path: path).unseal(to: temporary)
        do {
            let now = settings.clock.now()
            let (files, hosts) = try verified(temporary, path, at: now)
            try moveAside(present, in: directory, now: now)
            try DurableFile.makeDirectory(settings.keyDirectory, mode: 0o700)
            for file in files {
                try DurableFile.write(Array(file.bytes), to: "\(directory)/\(file.name)", mode: mode_t(file.mode))
            }
            if !takesOver { try RestoreHold(directory: directory).begin(at: now) }
            // Last: without a database there is no installation.
            guard rename(temporary, settings.databasePath) == 0 else {
                throw DurableFile.failure("put \(settings.databasePath) in its place")
            }
            try DurableFile.syncDirectory(of: settings.databasePath)
            DurableFile.give(
                files.map { "\(directory)/\($0.name)" } + [settings.keyDirectory, settings.databasePath],
                like: directory
            )
            return Summary(hosts: hosts, files: files.count, bytes: size(of: path))
        } catch { throw refusal(error, path) }
    }

    private static let temporaryName = "engine.db.restoring"
    /// What a restore that was refused leaves.
    private static let ours: Set<String> = ["engine.lock", temporaryName]

    private static func verified(
        _ database: String,
        _ path: String,
        at now: Int64
    ) throws -> (files: [File], hosts: Int) {
        let queue = try DatabaseQueue(path: database)
        let result = try queue.write { db -> (files: [File], hosts: Int) in
            let check = try String.fetchOne(db, sql: "PRAGMA integrity_check")
            let strangers = try Row.fetchOne(db, sql: "PRAGMA foreign_key_check")
            guard check == "ok", strangers == nil, try db.tableExists(table) else {
                throw EngineError(
                    .invalid,
                    "The database in \(path) is not sound: \(check ?? "no answer").",
                    remedy: "Take an older backup; nothing was changed."
                )
            }
            guard try !Schema.migrator.hasBeenSuperseded(db) else {
                throw EngineError(
                    .conflict,
                    "\(path) was written by a newer muster-engine.",
                    remedy: "Install that version, and restore with it; nothing was changed."
                )
            }
            let files = try Row.fetchAll(db, sql: "SELECT name, mode, bytes FROM \(table)").map {
                File(name: $0["name"], mode: $0["mode"] & 0o644, bytes: $0["bytes"])
            }
            guard files.allSatisfy({ isName($0.name) }), files.contains(where: { $0.name == "pki/ca.key" }) else {
                throw EngineError(
                    .invalid,
                    "\(path) has no CA's key, or names of files that are none of an installation's."
                )
            }
            try db.execute(sql: "DROP TABLE \(table)")
            try endUnfinishedWork(at: now, in: db)
            return (files, try HostRow.fetchCount(db))
        }
        try queue.close()
        return result
    }

    private static func moveAside(_ names: [String], in directory: String, now: Int64) throws {
        guard !names.isEmpty else { return }
        let folder = "\(directory)/before-restore-\(now / 1000)"
        try DurableFile.makeDirectory(folder, mode: 0o700)
        // Images are not in a backup, and stay.
        for name in names where name != "images" && !name.hasPrefix("before-restore-") {
            guard rename("\(directory)/\(name)", "\(folder)/\(name)") == 0 else {
                throw DurableFile.failure("move \(directory)/\(name) aside")
            }
        }
    }

    private static func size(of path: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    private static func refusal(_ error: any Error, _ path: String) -> EngineError {
        if let error = error as? EngineError { return error }
        guard let error = error as? DatabaseError else {
            return EngineError(.failed, "\(path): \(error.localizedDescription).")
        }
        let isFull = error.resultCode == .SQLITE_FULL
        return EngineError(
            isFull ? .failed : .invalid,
            "\(path): \(error.message ?? "SQLite's code \(error.resultCode.rawValue)").",
            remedy: isFull ? "Free some space." : "Nothing was changed."
        )
    }
}
