import Crypto
import Foundation
import GRDB
import HostModel
import Testing

@testable import Engine

/// The database of every earlier commit opens and comes forward.
@Suite struct SchemaHistoryTests {
    private static let golden = #filePath.replacing("SchemaHistoryTests.swift", with: "schema-history.txt")

    /// The schema after a migration, as one digest.
    private static func digest(_ queue: DatabaseQueue) throws -> String {
        let sql = try queue.read {
            try String.fetchAll($0, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        }
        return SHA256.hash(data: Data(sql.joined(separator: ";").utf8)).prefix(8).map { String(format: "%02x", $0) }
            .joined()
    }

    /// What an installation had from its first day on.
    private static func fill(_ queue: DatabaseQueue) throws {
        try queue.write { db in
            let (place, host) = (UniqueID.random(), UniqueID.random())
            try db.execute(literal: "INSERT INTO dataCenter (id, name, description) VALUES (\(place), 'Default', '')")
            try db.execute(
                literal:
                    "INSERT INTO cluster (id, name, description, dataCenter) VALUES (\(place), 'Default', '', \(place))"
            )
            try db.execute(
                literal: """
                    INSERT INTO network (id, name, description, dataCenter, mtu, usages, isRequired)
                    VALUES (\(place), 'ovirtmgmt', '', \(place), 0, 'management vm', 1)
                    """
            )
            try db.execute(literal: "INSERT INTO user (id, name, password) VALUES (\(place), 'admin@internal', 'x')")
            try db.execute(sql: "INSERT INTO event (code, severity, time, text) VALUES (498, 'normal', 1, 'ok')")
            guard try db.tableExists("host") else { return }
            try db.execute(
                literal: """
                    INSERT INTO host (id, name, address, port, status, cluster, hardwareID, created)
                    VALUES (\(host), 'web', '192.0.2.1', 54321, 'up', \(place), 'm-1', 1000)
                    """
            )
            guard try db.tableExists("imageJob") else { return }
            try db.execute(
                literal: """
                    INSERT INTO imageJob (id, kind, host, state, step, deadline, plan, started, ended)
                    VALUES (\(UniqueID.random()), 'upgrade', \(host), 'finished', 'come_back', 1, '{}', 1, 2)
                    """
            )
        }
    }

    @Test("a migration that was released never changes; UPDATE_GOLDENS=1 writes what is new")
    func frozen() throws {
        let queue = try DatabaseQueue()
        var lines: [String] = []
        for name in Schema.migrator.migrations {
            try Schema.migrator.migrate(queue, upTo: name)
            lines.append("\(name): \(try Self.digest(queue))")
        }
        if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] != nil {
            try (lines.joined(separator: "\n") + "\n").write(toFile: Self.golden, atomically: true, encoding: .utf8)
        }
        let known = try String(contentsOfFile: Self.golden, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines == known)
    }

    @Test("F30: from every earlier schema, with its rows", arguments: Schema.migrator.migrations)
    func comesForward(from: String) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "muster-schema-\(UniqueID.random()).db").path
        defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: from)
        try Self.fill(queue)
        try queue.close()
        let store = try Store.open(path)
        #expect(try await store.events(EventQuery(), now: 0).map(\.text) == ["ok"])
        let hosts = try await store.hosts(matching: .all)
        #expect(hosts.map(\.name.rawValue) == (from == "1 inventory" ? [] : ["web"]))
        let problems = try await store.read { db in
            try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").count
                + (try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok" ? 0 : 1)
        }
        #expect(problems == 0)
        for host in hosts { #expect(try await store.jobs(of: host.id, max: 5).count <= 1) }
        try store.close()
    }
}
