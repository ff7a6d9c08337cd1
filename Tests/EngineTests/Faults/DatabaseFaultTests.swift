import Foundation
import Glibc
import HostModel
import Logging
import Testing

@testable import Engine

/// What becomes of an installation whose disk is full, read-only or gone, and of a database that a power cut left half written.
@Suite(.serialized) struct DatabaseFaultTests {
    private static let user = "admin@internal"

    // MARK: A full disk

    @Test("F3: a full disk refuses with a sentence, loses nothing, and is over when there is room again")
    func full() async throws {
        let disk = try SmallFileSystem(megabytes: 6)
        let installation = try await TestInstallation(in: disk.path)
        let engine = try await installation.open()
        _ = try await TestNode().enrol(with: engine, from: "192.0.2.1")
        try disk.fill()
        var (taken, refusal): (Int, EngineError?) = (1, nil)
        // A journal has some pages to spare.
        for _ in 0..<500 where refusal == nil {
            do {
                _ = try await TestNode().enrol(with: engine, from: "192.0.2.\(2 + taken % 200)")
                taken += 1
            } catch let error as EngineError { refusal = error }
        }
        let sentence = try #require(refusal)
        #expect(sentence.kind == .failed && sentence.detail.contains("is full"), "\(sentence)")
        #expect(sentence.remedy?.isEmpty == false)
        let known = try await engine.hosts(matching: .all).count
        #expect(known == taken || known == taken + 1, "what was answered is there; a claim without its opening may be")
        try disk.makeRoom()
        _ = try await TestNode().enrol(with: engine, from: "192.0.2.250")
        #expect(try EventAudit.check(installation.settings).findings.isEmpty)
    }

    @Test(
        "F29: what cannot be recorded is not done: an approval on a full disk changes nothing, and is done once there is room"
    )
    func unlogged() async throws {
        let disk = try SmallFileSystem(megabytes: 6)
        let installation = try await TestInstallation(in: disk.path)
        let engine = try await installation.open()
        let waiting = try await TestNode(name: "web").enrol(with: engine)
        let (events, claims) = (try await engine.codes(), try await engine.host(waiting.host).claims)
        try disk.fill()
        // Whatever the journal has to spare is used up by events of another kind first.
        while (try? await engine.signInFailed()) != nil {}
        let recorded = try await engine.codes().count
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(waiting.host, code: "\(waiting.code)", by: Self.user, correlation: nil)
        }
        #expect(refusal?.detail.contains("is full") == true && refusal?.remedy != nil)
        #expect(try await engine.host(waiting.host).status == .pendingApproval)
        #expect(try await engine.host(waiting.host).claims == claims, "no certificate, no other state")
        #expect(try await engine.claimProgress(waiting.claim).certificate == nil)
        #expect(try await engine.codes().count == recorded && recorded >= events.count)
        try disk.makeRoom()
        try await engine.approve(waiting.host, code: "\(waiting.code)", by: Self.user, correlation: nil)
        #expect(try await engine.codes().contains(EventCode.approved.rawValue))
        #expect(try EventAudit.check(installation.settings).findings.isEmpty)
    }

    @Test("F3: a read-only file system is refused with the remedy, and nothing of the installation is touched")
    func readOnly() async throws {
        let disk = try SmallFileSystem(megabytes: 6)
        let installation = try await TestInstallation(in: disk.path)
        try await Self.with(try await installation.open()) { engine in
            _ = try await TestNode(name: "web").enrol(with: engine)
        }
        try disk.takeWriting()
        let refusal = await #expect(throws: EngineError.self) { try await installation.open() }
        #expect(refusal?.detail.contains("Read-only file system") == true, "\(refusal.debugDescription)")
        #expect(refusal?.remedy == "Mount the file system for writing.")
        try disk.giveWriting()
        let engine = try await installation.open()
        #expect(try await engine.hosts(matching: .all).map(\.name.rawValue) == ["web"])
    }

    // MARK: Power cuts

    /// A copy of an installation as kill -9 would leave it: what is committed stands in the journal.
    private static func killed(hosts: Int) async throws -> (TestInstallation, EngineSettings) {
        let installation = try await TestInstallation()
        // What the next start leaves in the journal are the changes since.
        try await with(try await installation.open()) { _ in }
        let engine = try await installation.open()
        for number in 0..<hosts {
            _ = try await TestNode(name: "node-\(number)").enrol(with: engine, from: "192.0.2.\(number)")
        }
        var settings = installation.settings
        settings.dataDirectory += "-killed"
        try FileManager.default.copyItem(atPath: installation.directory, toPath: settings.dataDirectory)
        withExtendedLifetime(engine) {}
        return (installation, settings)
    }

    private static func open(_ settings: EngineSettings) async throws -> HostEngine {
        try await HostEngine.open(settings, logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("F3: killed in the middle of a checkpoint: every page that was on its way is torn, and nothing is lost")
    func tornCheckpoint() async throws {
        let (installation, settings) = try await Self.killed(hosts: 5)
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        let journal = try Data(contentsOf: URL(filePath: "\(settings.databasePath)-wal"))
        var database = try Data(contentsOf: URL(filePath: settings.databasePath))
        // SQLite's file format, 4.1: a header of 32 bytes, then frames of 24 bytes and a page.
        let pageSize = 4096
        var torn: Set<Int> = []
        for frame in stride(from: 32, to: journal.count - pageSize - 23, by: 24 + pageSize) {
            let page = journal[frame..<frame + 4].reduce(0) { $0 << 8 | Int($1) }
            // Frames of the journal's earlier rounds have other salts, and count no more.
            guard journal[frame + 8..<frame + 16] == journal[16..<24] else { break }
            guard page > 0, page * pageSize <= database.count else { continue }
            torn.insert(page)
            let half = page * pageSize - pageSize / 2
            database.replaceSubrange(half..<half + pageSize / 2, with: repeatElement(0xA5, count: pageSize / 2))
        }
        #expect(torn.count > 5, "the checkpoint had something to do")
        try database.write(to: URL(filePath: settings.databasePath))
        let engine = try await Self.open(settings)
        #expect(try await engine.hosts(matching: .all).count == 5)
        #expect(try EventAudit.check(settings).findings.isEmpty)
        withExtendedLifetime(installation) {}
    }

    @Test("F3: a journal that ends anywhere opens with what was whole, never with nothing and never with a half")
    func tornJournal() async throws {
        let (installation, settings) = try await Self.killed(hosts: 4)
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        let (path, wal) = (settings.databasePath, "\(settings.databasePath)-wal")
        let (database, journal) = (try Data(contentsOf: URL(filePath: path)), try Data(contentsOf: URL(filePath: wal)))
        var last = 0
        for part in 0...12 {
            try? FileManager.default.removeItem(atPath: "\(path)-shm")
            try database.write(to: URL(filePath: path))
            try journal.prefix(journal.count * part / 12).write(to: URL(filePath: wal))
            let hosts = try await Self.with(try await Self.open(settings)) { engine in
                // An approval needs its claim, a claim its host: the schema says so.
                try await engine.hosts(matching: .all).count
            }
            #expect(hosts >= last && hosts <= 4, "\(part)/12")
            #expect(try EventAudit.check(settings).findings.isEmpty, "\(part)/12")
            last = hosts
        }
        #expect(last == 4)
        withExtendedLifetime(installation) {}
    }

    @Test(
        "F3: a database that is gone, empty, cut off or written over is refused by name, with the way back; none is taken for a new one"
    )
    func damaged() async throws {
        let installation = try await TestInstallation()
        try await Self.with(try await installation.open()) { _ = try await TestNode(name: "web").enrol(with: $0) }
        let path = installation.settings.databasePath
        let whole = try Data(contentsOf: URL(filePath: path))
        var scribbled = whole
        scribbled.replaceSubrange(4096..., with: repeatElement(0x5A, count: whole.count - 4096))
        let cases: [(Data?, String)] = [
            (nil, "has keys, but its database engine.db is gone"), (Data(), "is empty"),
            (whole.dropLast(4096), "is cut off"), (whole.dropLast(1), "is cut off"), (scribbled, "is damaged"),
            (Data(repeating: 0x41, count: whole.count), "is damaged"),
        ]
        for (bytes, sentence) in cases {
            for name in [path, "\(path)-wal", "\(path)-shm"] { try? FileManager.default.removeItem(atPath: name) }
            try bytes?.write(to: URL(filePath: path))
            let refusal = await #expect(throws: EngineError.self, "\(sentence)") { try await installation.open() }
            #expect(refusal?.detail.contains(sentence) == true, "\(refusal.debugDescription)")
            #expect(refusal?.remedy?.contains("muster-engine restore") == true, "\(refusal.debugDescription)")
            #expect(FileManager.default.contents(atPath: path) == bytes, "nothing is made in its place")
        }
        for name in ["\(path)-wal", "\(path)-shm"] { try? FileManager.default.removeItem(atPath: name) }
        try whole.write(to: URL(filePath: path))
        #expect(try await installation.open().hosts(matching: .all).count == 1)
    }

    // MARK: A database that goes

    @Test(
        "F4: the database is deleted under a running engine: it writes no more; a backup and the nodes' own claims bring the list back"
    )
    func deleted() async throws {
        let installation = try await TestInstallation()
        let backup = "\(installation.directory)-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        let (early, late) = (try TestNode(name: "early"), try TestNode(name: "late"))
        try await Self.with(try await installation.open()) { engine in
            let first = try await early.enrol(with: engine)
            try await engine.approve(first.host, code: "\(first.code)", by: Self.user, correlation: nil)
            _ = try InstallationBackup.write(installation.settings, to: backup)
            let second = try await late.enrol(with: engine)
            try FileManager.default.removeItem(atPath: installation.settings.databasePath)
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.approve(second.host, code: "\(second.code)", by: Self.user, correlation: nil)
            }
            #expect(refusal?.detail.contains("was deleted or replaced") == true)
            #expect(refusal?.remedy?.contains("restore") == true)
            await #expect(throws: EngineError.self) { try await TestNode().enrol(with: engine) }
            await #expect(throws: EngineError.self) { try await engine.checkHealth() }
            #expect(try await engine.hosts(matching: .all).count == 2, "what is known can still be read")
            // Another file in its place is not the database either.
            try FileManager.default.copyItem(atPath: backup, toPath: installation.settings.databasePath)
            await #expect(throws: EngineError.self) { try await TestNode().enrol(with: engine) }
        }
        _ = try InstallationBackup.restore(backup, to: installation.settings, overwriting: true)
        let engine = try await installation.open()
        #expect(try await engine.hosts(matching: .all).map(\.name.rawValue) == ["early"])
        var again = late
        again.nonce = .random()
        let claim = try await again.enrol(with: engine)
        #expect(claim.progress.state == .pending)
        #expect(try await engine.host(claim.host).status == .pendingApproval)
    }

    /// Lets go of the engine when `body` ends.
    private static func with<Value: Sendable>(
        _ engine: HostEngine,
        _ body: (HostEngine) async throws -> Value
    ) async throws -> Value {
        defer { try? engine.store.close() }
        return try await body(engine)
    }
}

extension HostEngine {
    /// Something that is recorded and changes nothing else.
    fileprivate func signInFailed() async throws(EngineError) {
        try await store.record([Occurrence(.signInFailed, .warning, String(repeating: "x", count: 1500))], at: 1)
    }
}
