import Foundation
import GRDB
import HostModel
import Logging
import Testing

@testable import Engine

/// What holds for the installation on disk.
@Suite struct StoreTests {
    @Test func anInstallationIsMadeOnce() async throws {
        let installation = try await TestInstallation()
        let refusal = await #expect(throws: EngineError.self) {
            try await HostEngine.initialize(installation.settings, adminPassword: "other")
        }
        #expect(refusal?.kind == .conflict)
        let engine = try await installation.open()
        _ = try await engine.authenticate(user: "admin@internal", password: TestInstallation.password)
        #expect(try await engine.all(ClusterRecord.self).map(\.name) == ["Default"])
        #expect(try await engine.all(DataCenterRecord.self).map(\.name) == ["Default"])
        let network = try #require(try await engine.networks().first)
        #expect(network.name == "ovirtmgmt")
        #expect(network.isManagement && network.isVM && network.isRequired)
    }

    @Test("F6: a second engine on one database is refused, also when its lock file was removed")
    func twoEnginesDoNotShareADirectory() async throws {
        let installation = try await TestInstallation()
        let first = try await installation.open()
        let refusal = await #expect(throws: EngineError.self) { try await installation.open() }
        #expect(refusal?.kind == .conflict)
        // Somebody who means well removes the lock file; another one comes by another path.
        try FileManager.default.removeItem(atPath: "\(installation.directory)/engine.lock")
        let again = await #expect(throws: EngineError.self) { try await installation.open() }
        #expect(again?.detail.contains("Another muster-engine uses") == true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(installation.directory)-link",
            withDestinationPath: installation.directory
        )
        defer { try? FileManager.default.removeItem(atPath: "\(installation.directory)-link") }
        var settings = installation.settings
        settings.dataDirectory += "-link"
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let other = await #expect(throws: EngineError.self) { try await HostEngine.open(settings, logger: logger) }
        #expect(other?.detail.contains("Another muster-engine uses") == true)
        withExtendedLifetime(first) {}
    }

    @Test func aDirectoryWithoutInstallationIsRefused() async throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "muster-empty-\(ProcessInfo.processInfo.processIdentifier)-\(UniqueID.random())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let settings = EngineSettings(dataDirectory: path, engineAddress: "engine.example.org")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let refusal = await #expect(throws: EngineError.self) { try await HostEngine.open(settings, logger: logger) }
        #expect(refusal?.kind == .notFound)
    }

    @Test("F30: an older engine refuses a newer database and leaves it alone") func aNewerDatabaseIsRefused()
        async throws
    {
        let installation = try await TestInstallation()
        do {
            let queue = try DatabaseQueue(path: installation.settings.databasePath)
            try await queue.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 from the future')")
            }
            try queue.close()
        }
        let refusal = await #expect(throws: EngineError.self) { try await installation.open() }
        #expect(refusal?.detail.contains("newer") == true)
    }

    @Test(arguments: [
        "UPDATE host SET status = 'dancing'", "UPDATE host SET port = 0", "UPDATE host SET cluster = 'none'",
        "UPDATE claim SET state = 'approved'", "UPDATE claim SET closed = 1",
        "INSERT INTO event (code, severity, time, text) VALUES (1, 'loud', 1, '')",
        "UPDATE image SET isActive = 1", "INSERT INTO hostMAC (mac, host) VALUES ('aa:bb:cc:dd:ee:ff', 'none')",
        "DELETE FROM cluster",
    ])
    func theSchemaHoldsTheRules(_ statement: String) async throws {
        let installation = try await TestInstallation()
        do {
            let engine = try await installation.open()
            _ = try await TestNode().enrol(with: engine)
            _ = try await engine.openUpload(try ImageTests.manifest())
        }
        let queue = try DatabaseQueue(path: installation.settings.databasePath)
        #expect(throws: DatabaseError.self) { try queue.write { try $0.execute(sql: statement) } }
    }

    /// What the first release wrote, with a host that waits and a claim that is over.
    @Test("F30: the first release's database comes forward") func theFirstReleasesDatabaseComesForward() async throws {
        let path = "\(try await TestInstallation().directory).old.db"
        defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
        do {
            let queue = try DatabaseQueue(path: path)
            try Schema.migrator.migrate(queue, upTo: "3 boot")
            let (place, id) = (UniqueID.random(), UniqueID.random())
            let (hash, nonce) = (Nonce.random(), Nonce.random())
            try await queue.write { db in
                try db.execute(literal: "INSERT INTO dataCenter VALUES (\(place), 'Default', '')")
                try db.execute(literal: "INSERT INTO cluster VALUES (\(place), 'Default', '', \(place))")
                try db.execute(
                    literal: """
                        INSERT INTO host (id, name, address, port, status, cluster, hardwareID, facts, created)
                        VALUES (\(id), 'web', '192.0.2.1', 54321, 'pending_approval', \(place), 'm-1', '{"a": 1}', 1000)
                        """
                )
                try db.execute(
                    literal: """
                        INSERT INTO claim (id, host, state, hardwareID, address, port, source, publicKey, nonceHash,
                            engineNonce, nodeNonce, facts, created, expires, closed)
                        VALUES (\(id), \(id), 'expired', 'm-1', '192.0.2.1', 54321, '192.0.2.7', x'01', \(hash),
                            \(nonce), \(nonce), '{"a": 1}', 1000, 2000, 2000)
                        """
                )
                try db.execute(literal: "INSERT INTO usedNonce VALUES (\(hash), 1000)")
                try db.execute(
                    sql: "INSERT INTO event (code, severity, time, text) VALUES (20000, 'normal', 1, 'boot')"
                )
                try db.execute(sql: "INSERT INTO event (code, severity, time, text) VALUES (498, 'normal', 1, 'ok')")
            }
            try queue.close()
        }
        let store = try Store.open(path)
        let kept = try await store.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT host.source || ' ' || host.lastSeen || ' ' || claim.facts || hex(spentNonce.publicKey) FROM host
                    JOIN claim ON claim.host = host.id JOIN spentNonce ON spentNonce.hash = claim.nonceHash
                    """
            )
        }
        #expect(kept == ["192.0.2.7 1000 {}01"])
        let classes = try await store.read { try Int.fetchAll($0, sql: #"SELECT class FROM event ORDER BY "index""#) }
        #expect(classes == [EventCode.Class.boot.rawValue, EventCode.Class.other.rawValue])
        try store.close()
    }

    /// Two transitions decided on the same version: the second finds that it looked at something old.
    @Test func aTransitionOnAnOldVersionIsRefused() async throws {
        let installation = try await TestInstallation()
        let store = try Store.open(installation.settings.databasePath)
        let claim = try NewClaim(
            try TestNode().request(),
            from: "192.0.2.1",
            limits: EnrolmentLimits(),
            now: 1000
        )
        _ = try await store.receiveClaim(claim, limits: EnrolmentLimits())
        let host = try #require(try await store.hosts(matching: .all).first).id
        let row = try #require(try await store.watched(host)).row
        let life = HostLife(status: row.status, lastContact: 0)
        let context = TransitionContext(now: 2000, times: MonitoringTimes())
        _ = try await store.live(row, life, .approved(hasNewKey: false), context: context)
        let refusal = await #expect(throws: EngineError.self) {
            try await store.live(row, life, .approved(hasNewKey: false), context: context)
        }
        #expect(refusal?.kind == .conflict)
    }

    @Test func hostsAreFoundByPattern() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        for name in ["web-1", "web-2", "db-1"] { _ = try await TestNode(name: name).enrol(with: engine) }
        #expect(try await engine.hosts(matching: HostFilter(name: "web-*")).map(\.name.rawValue) == ["web-1", "web-2"])
        #expect(try await engine.hosts(matching: HostFilter(name: "DB-1")).map(\.name.rawValue) == ["db-1"])
        #expect(try await engine.hosts(matching: HostFilter(status: .up)).isEmpty)
        #expect(try await engine.hosts(matching: HostFilter(name: "*-1", status: .pendingApproval)).count == 2)
    }
}

@Suite struct EventFeedTests {
    @Test func whatIsThereIsNotWaitedFor() async {
        let feed = EventFeed(newest: 5)
        await feed.wait(after: 4, atMost: .seconds(600))
    }

    @Test func theTimeEndsAWait() async {
        let feed = EventFeed(newest: 5)
        await feed.wait(after: 5, atMost: .milliseconds(10))
        #expect(feed.newest == 5)
    }

    @Test func newsWakesEveryone() async {
        let feed = EventFeed(newest: 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { await feed.wait(after: 0, atMost: .seconds(600)) } }
            group.addTask { feed.announce(1) }
        }
        #expect(feed.newest == 1)
    }

    @Test func aCancelledWaitEnds() async {
        let feed = EventFeed(newest: 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { await feed.wait(after: 0, atMost: .seconds(600)) } }
            group.cancelAll()
        }
    }
}

@Suite struct RateLimitTests {
    @Test func aBurstThenASteadyRate() {
        let limit = RateLimit(burst: 3, perMinute: 60)
        #expect((0..<5).map { _ in limit.allows("a", at: 0) } == [true, true, true, false, false])
        #expect(limit.allows("b", at: 0), "each key has its own")
        #expect(limit.allows("a", at: 1000))
        #expect(!limit.allows("a", at: 1000))
        #expect((0..<4).map { _ in limit.allows("a", at: 60_000) } == [true, true, true, false])
    }

    @Test func manyKeysTakeBoundedRoom() {
        let limit = RateLimit(burst: 1, perMinute: 1)
        for index in 0..<RateLimit.keysMax { #expect(limit.allows("\(index)", at: 0)) }
        #expect(!limit.allows("one more", at: 0), "no room while nothing is forgotten")
        #expect(limit.allows("one more", at: 120_000), "full buckets are forgotten")
    }

    @Test func aClockThatGoesBackGivesNothing() {
        let limit = RateLimit(burst: 1, perMinute: 60)
        #expect(limit.allows("a", at: 1_000_000))
        #expect(!limit.allows("a", at: 0))
    }
}
