import Foundation
import GRDB
import HostModel
import Testing

@testable import Engine

/// What a restore takes and refuses; Program/BackupTests does the same with the real program beside a running engine.
@Suite struct BackupTests {
    private let installation: TestInstallation
    private var file: String { "\(installation.directory)-backup" }
    private var target: EngineSettings {
        EngineSettings(dataDirectory: "\(installation.directory)-restored", engineAddress: "")
    }

    init() async throws { installation = try await TestInstallation() }

    private func withBackup(_ body: () throws -> Void) throws {
        _ = try InstallationBackup.write(installation.settings, to: file)
        defer {
            try? FileManager.default.removeItem(atPath: file)
            try? FileManager.default.removeItem(atPath: target.dataDirectory)
        }
        try body()
    }

    /// Changes the database in the backup, and seals it again.
    private func change(_ sql: String) throws {
        let inner = "\(file).inner"
        try BackupFile(path: file).unseal(to: inner)
        let queue = try DatabaseQueue(path: inner)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
        try BackupFile(path: inner).seal()
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.moveItem(atPath: inner, toPath: file)
    }

    private func refusal() -> EngineError? {
        #expect(throws: EngineError.self) {
            try InstallationBackup.restore(file, to: target, overwriting: false)
        }
    }

    @Test("every damaged byte and every missing end is found, and nothing is made then")
    func damaged() throws {
        try withBackup {
            let whole = try Data(contentsOf: URL(filePath: file))
            for offset in [0, 30, whole.count / 2, whole.count - 90, whole.count - 20] {
                var bad = whole
                bad[offset] ^= 1
                try bad.write(to: URL(filePath: file))
                #expect(refusal()?.kind == .invalid, "\(offset)")
            }
            for length in [0, 1, 100, whole.count / 2, whole.count - 1] {
                try whole.prefix(length).write(to: URL(filePath: file))
                #expect(refusal()?.kind == .invalid, "\(length)")
            }
            #expect(!FileManager.default.fileExists(atPath: target.databasePath))
            #expect(!FileManager.default.fileExists(atPath: target.keyDirectory))
            // What was refused leaves a directory that still counts as empty.
            try whole.write(to: URL(filePath: file))
            let summary = try InstallationBackup.restore(file, to: target, overwriting: false)
            #expect(summary.files >= 5 && summary.bytes == whole.count)
        }
    }

    @Test("a newer schema, a database without keys, and names that lead elsewhere are refused")
    func foreign() throws {
        try withBackup {
            try change("INSERT INTO grdb_migrations (identifier) VALUES ('99 of a later version')")
            #expect(refusal()?.detail.contains("was written by a newer muster-engine") == true)
        }
        try withBackup {
            try change("UPDATE backupFile SET name = 'pki/../../escaped' WHERE name = 'pki/engine.pem'")
            #expect(refusal()?.kind == .invalid)
        }
        try withBackup {
            try change("DELETE FROM backupFile WHERE name = 'pki/ca.key'")
            #expect(refusal()?.detail.contains("has no CA's key") == true)
        }
        try withBackup {
            try change("DROP TABLE backupFile")
            #expect(refusal()?.detail.contains("is not sound") == true)
        }
    }

    @Test("a backup keeps its modes, is never written over, and comes back as the same installation")
    func roundTrip() async throws {
        let settings = installation.settings
        let fingerprint = try HostEngine.authorityFingerprint(in: settings.dataDirectory)
        try withBackup {
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            #expect(throws: EngineError.self) { try InstallationBackup.write(settings, to: file) }
            _ = try InstallationBackup.restore(file, to: target, overwriting: false)
            #expect(try HostEngine.authorityFingerprint(in: target.dataDirectory) == fingerprint)
            let key = try FileManager.default.attributesOfItem(atPath: "\(target.keyDirectory)/ca.key")
            #expect((key[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            #expect(refusal()?.detail.contains("is not empty") == true)
            _ = try InstallationBackup.restore(file, to: target, overwriting: true)
            let names = try FileManager.default.contentsOfDirectory(atPath: target.dataDirectory)
            #expect(names.contains { $0.hasPrefix("before-restore-") }, "\(names)")
        }
    }
}
