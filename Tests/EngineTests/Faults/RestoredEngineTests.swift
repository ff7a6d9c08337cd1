import AgentWire
import Crypto
import Foundation
import GRDB
import HostModel
import Logging
import Testing

@testable import Engine

/// An engine that came out of a backup, beside or after the one that the backup is of.
@Suite struct RestoredEngineTests {
    private static func restored(
        _ installation: TestInstallation,
        takesOver: Bool = false
    ) throws -> EngineSettings {
        let backup = "\(installation.directory)-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        _ = try InstallationBackup.write(installation.settings, to: backup)
        var settings = installation.settings
        settings.dataDirectory += "-restored"
        _ = try InstallationBackup.restore(backup, to: settings, overwriting: false, takesOver: takesOver)
        return settings
    }

    private static func open(_ settings: EngineSettings) async throws -> HostEngine {
        try await HostEngine.open(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test(
        "A38: a clone out of a backup takes no host of the engine that it was made of; what it approves itself is its own"
    )
    func clone() async throws {
        let installation = try await TestInstallation()
        let (line, settings) = try await installation.running { engine in
            let line = try await HostWatchTests.approved(engine)
            _ = try #require(try await engine.event(.hostDetected, host: line.host))
            return (line, try Self.restored(installation))
        }
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        let begin = try await Self.open(settings)
        try await installation.running(begin) { clone in
            let said = try #require(try await clone.event(.restoreHolds))
            #expect(said.severity == .alert && said.text.contains("muster-engine take-over"))
            #expect(try await clone.host(line.host).status == .unassigned, "not called up without having been asked")
            let calls = line.agent.calls().count
            // Nor by anybody's order, which would come from there as well as from here.
            for order in [
                { _ = try await clone.logs(of: line.host, lines: 1) },
                { try await clone.enrolCertificate(of: line.host, by: "admin@internal", correlation: nil) },
                { _ = try await clone.networkAttachments(of: line.host) },
                { _ = try await clone.switchPower(line.host, .off, by: "admin@internal", correlation: nil) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: EngineError.self) { try await order() }
                #expect(error?.remedy?.contains("take-over") == true, "\(error?.detail ?? "")")
            }
            var node = try TestNode(name: "own")
            let agent = try await TestAgent(key: node.key)
            node.port = agent.port
            let own = try await node.enrol(with: clone)
            try await clone.approve(own.host, code: "\(own.code)", by: "admin@internal", correlation: nil)
            agent.trust(
                certificate: try await clone.claimProgress(own.claim).certificate,
                authority: clone.authorityPEM
            )
            _ = try #require(try await clone.event(.hostDetected, host: own.host))
            #expect(line.agent.calls().count == calls, "the old engine's host heard nothing of the clone")
            #expect(try RestoreHold.end(settings))
            let end = try #require(try await clone.event(.tookOver))
            _ = try #require(try await clone.event(.hostDetected, after: end.index, host: line.host))
            #expect(line.agent.calls().count > calls)
            #expect(try RestoreHold.end(settings) == false, "once")
            try await agent.stop()
        }
        try await line.agent.stop()
    }

    @Test(
        "F5: an older backup: what was under way is ended and not begun again; a node that is ahead is shown and not written to"
    )
    func older() async throws {
        let installation = try await ImageWorkTests.installation()
        let (line, settings, job) = try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            line.agent.change { $0.certificate = nil }
            line.agent.breakConnections()
            let job = try await engine.upgrade(line.host, to: nil, by: "admin@internal", correlation: nil)
            return (line, try Self.restored(installation, takesOver: true), job)
        }
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        // Since the backup the former engine has upgraded the node to an image that the restored one never had.
        line.agent.change { $0.capabilities.musterImage = TestNodeDisks.running("v3") }
        line.agent.restoreCertificate()
        let restored = try await Self.open(settings)
        let last = restored.newestEvent
        try await installation.running(restored) { engine in
            _ = try #require(try await engine.event(.hostDetected, after: last, host: line.host))
            let ended = try await engine.job(job.id)
            #expect(ended.status == .failed && ended.error?.contains("restored from a backup") == true)
            let host = try await engine.host(line.host)
            #expect(host.status == .up && host.hardware?.image?.version.raw == "v3", "it is shown as it is")
            #expect(
                line.agent.node.orders.isEmpty && line.agent.node.reboots == 0,
                "nothing is written, nothing reboots"
            )
            #expect(try await engine.jobs(of: line.host, max: 10).count == 1)
        }
        try await line.agent.stop()
    }

    @Test("F5: whatever was under way in the backup is a failed job with a reason afterwards, and switches nothing")
    func unfinished() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var hosts: [UniqueID] = []
        for name in ["power", "server"] {
            let node = try await TestNode(name: name).enrol(with: engine)
            try await engine.approve(node.host, code: "\(node.code)", by: "admin@internal", correlation: nil)
            hosts.append(node.host)
        }
        let (power, server) = (hosts[0], hosts[1])
        try await engine.store.write { db in
            try db.execute(sql: "UPDATE host SET status = 'up' WHERE name = 'power'")
            try db.execute(sql: "DELETE FROM job")
            try db.execute(
                sql: """
                    INSERT INTO powerJob (id, host, kind, state, step, since, bootsFromNetwork, started)
                    VALUES (?, ?, 'off', 'started', 'off', 1, 0, 1)
                    """,
                arguments: [UniqueID.random(), power]
            )
            try db.execute(
                sql: """
                    INSERT INTO conversion (id, kind, host, hostName, state, stage, steps, details, started)
                    VALUES (?, 'convert', ?, 'server', 'started', 'server', '[]', '{}', 1)
                    """,
                arguments: [UniqueID.random(), server]
            )
        }
        let settings = try Self.restored(installation)
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        let restored = try await Self.open(settings)
        let states = try await restored.store.read { db in
            try ["powerJob", "conversion"].map { table in
                try Row.fetchOne(db, sql: "SELECT state, error, remedy, ended FROM \(table)").map { row in
                    (row["state"] as String?, row["error"] as String?, row["remedy"] as String?, row["ended"] as Int64?)
                }
            }
        }
        for state in states {
            #expect(state?.0 == "failed" && state?.1?.contains("restored from a backup") == true)
            #expect(state?.2?.isEmpty == false && state?.3 != nil)
        }
        #expect(try await restored.host(power).status == .unassigned)
        #expect(try await restored.host(server).status == .installFailed)
    }

    @Test("F5: a key that was approved after the backup is refused as a stranger's, and approved by its code again")
    func newerKey() async throws {
        let installation = try await TestInstallation()
        let node = try TestNode(name: "web")
        let engine = try await installation.open()
        let first = try await node.enrol(with: engine)
        try await engine.approve(first.host, code: "\(first.code)", by: "admin@internal", correlation: nil)
        let settings = try Self.restored(installation, takesOver: true)
        defer { try? FileManager.default.removeItem(atPath: settings.dataDirectory) }
        var reborn = try TestNode(node.hardwareID.rawValue)
        let second = try await reborn.enrol(with: engine)
        try await engine.approve(second.host, code: "\(second.code)", by: "admin@internal", correlation: nil)
        let older = try await Self.open(settings)
        await #expect(throws: EngineError.self, "its claim is unknown here, so the node makes a new one") {
            try await older.claimProgress(second.claim)
        }
        reborn.nonce = .random()
        let again = try await reborn.enrol(with: older)
        #expect(again.host == first.host && again.progress.state == .pending)
        let key = try await older.store.watched(first.host)?.publicKey?.publicKey
        #expect(key == node.key.publicKey.derRepresentation, "nothing is swapped without a person")
    }
}
