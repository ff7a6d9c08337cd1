import Foundation
import GRDB
import HostModel
import Testing

@testable import Engine

/// Whoever changes recorded events is found out.
@Suite struct EventChainTests {
    /// An installation with some events of each class, closed again.
    private static func recorded(_ retention: Int = 1000) async throws -> (TestInstallation, [EventAudit.Head]) {
        let installation = try await TestInstallation { settings in
            (settings.retention.boot, settings.retention.strangers) = (retention, 10)
        }
        let engine = try await installation.open()
        for number in 0..<4 {
            let enrolment = try await TestNode(name: "web\(number)").enrol(with: engine)
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: "c")
        }
        let steps = (0..<20).compactMap { step in
            MACAddress(octets: [2, 0, 0, 0, 9, UInt8(step)]).map {
                BootEvent(mac: $0, stage: .failed, detail: "no file")
            }
        }
        try await engine.record(steps)
        let heads = try EventAudit.check(installation.settings).heads
        #expect(heads.count == 3)
        return (installation, heads)
    }

    @Test("what nobody touched is in order, whatever became of the machines' hosts")
    func untouched() async throws {
        let (installation, heads) = try await Self.recorded()
        let audit = try EventAudit.check(installation.settings, known: heads)
        #expect(audit.findings.isEmpty, "\(audit.findings)")
        #expect(audit.events >= 28)
        for head in heads { #expect(EventAudit.Head("\(head)") == head) }
    }

    @Test(
        "A39: each way to change the past is found, with the event",
        arguments: [
            "UPDATE event SET text = 'nothing happened' WHERE \"index\" = (SELECT min(\"index\") FROM event WHERE code = 498)",
            "UPDATE event SET user = 'other' WHERE \"index\" = (SELECT max(\"index\") FROM event WHERE code = 498)",
            "UPDATE event SET user = NULL WHERE \"index\" = (SELECT max(\"index\") FROM event WHERE code = 498)",
            "UPDATE event SET time = time + 1 WHERE \"index\" = (SELECT max(\"index\") FROM event)",
            "UPDATE event SET severity = 'warning' WHERE code = 828",
            "UPDATE event SET class = 1 WHERE code = 498",
            "DELETE FROM event WHERE \"index\" = (SELECT min(\"index\") FROM event WHERE code = 498)",
            "DELETE FROM event WHERE \"index\" = (SELECT max(\"index\") FROM event)",
            "DELETE FROM event",
            "UPDATE event SET link = zeroblob(32) WHERE \"index\" = (SELECT min(\"index\") FROM event WHERE code = 498)",
            "INSERT INTO event (\"index\", code, class, severity, time, text, link) VALUES (99999, 498, 0, 'normal', 1, 'x', zeroblob(32))",
            "UPDATE eventChain SET head = zeroblob(32) WHERE class = 0",
            "DELETE FROM eventChain WHERE class = 2",
        ]
    )
    func changed(statement: String) async throws {
        let (installation, _) = try await Self.recorded()
        let queue = try DatabaseQueue(path: installation.settings.databasePath)
        try await queue.write { try $0.execute(sql: statement) }
        try queue.close()
        let audit = try EventAudit.check(installation.settings)
        #expect(!audit.findings.isEmpty)
        #expect(audit.findings.count <= 3 * (EventAudit.findingsMax + 1))
    }

    @Test("A39: a chain made anew is in order by itself; a head that was noted elsewhere tells")
    func forged() async throws {
        let (installation, heads) = try await Self.recorded()
        let queue = try DatabaseQueue(path: installation.settings.databasePath)
        try await queue.write { db in
            try db.execute(sql: "UPDATE event SET text = 'nothing happened' WHERE code = 498")
            let begin = try Int64.fetchOne(db, sql: "SELECT begin FROM eventChain WHERE class = 0") ?? 0
            var link = try Data.fetchOne(db, sql: "SELECT anchor FROM eventChain WHERE class = 0") ?? EventChain.begin
            let rows = try Row.fetchAll(
                db,
                sql: #"SELECT * FROM event WHERE class = 0 AND "index" > ? ORDER BY "index""#,
                arguments: [begin]
            )
            for row in rows {
                link = EventChain.link(after: link, row)
                let index: Int64 = row["index"]
                try db.execute(sql: #"UPDATE event SET link = ? WHERE "index" = ?"#, arguments: [link, index])
            }
            try db.execute(sql: "UPDATE eventChain SET head = ? WHERE class = 0", arguments: [link])
        }
        try queue.close()
        #expect(try EventAudit.check(installation.settings).findings.isEmpty)
        let audit = try EventAudit.check(installation.settings, known: heads)
        #expect(audit.findings.count == 1 && audit.findings[0].contains("another link"), "\(audit.findings)")
    }

    @Test("events that had their time are not missed: by number, and by age")
    func retention() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { settings in
            (settings.retention.boot, settings.retention.days, settings.clock) = (100, 30, clock.wall)
        }
        let engine = try await installation.open()
        let first = try EventAudit.check(installation.settings).heads
        for call in 0..<12 {
            let steps = (0..<100).compactMap { step in
                MACAddress(octets: [2, 0, 0, 0, UInt8(call), UInt8(step)])
                    .map { BootEvent(mac: $0, stage: .failed, detail: "no such file") }
            }
            try await engine.record(steps)
        }
        var audit = try EventAudit.check(installation.settings)
        #expect(audit.findings.isEmpty && audit.events < 600, "\(audit.findings)")
        let old = try EventAudit.check(installation.settings).heads
        clock.advance(seconds: 31 * 24 * 3600)
        let enrolment = try await TestNode(name: "web").enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        try await engine.forgetWhatIsOver()
        let left = try await engine.events(EventQuery(max: 1000))
        #expect(!left.isEmpty && left.allSatisfy { $0.time >= clock.wall.now() - 30 * 24 * 3600 * 1000 })
        audit = try EventAudit.check(installation.settings)
        #expect(audit.findings.isEmpty, "\(audit.findings)")
        // The clock stands wrong for a moment, as after a power cut: nothing goes for it.
        let before = try await engine.events(EventQuery(max: 1000)).count
        clock.advance(seconds: -5000 * 24 * 3600)
        _ = try await TestNode(name: "web2").enrol(with: engine)
        clock.advance(seconds: 5000 * 24 * 3600)
        try await engine.forgetWhatIsOver()
        #expect(try await engine.events(EventQuery(max: 1000)).count >= before)
        let late = try EventAudit.check(installation.settings, known: old + first)
        #expect(late.findings.allSatisfy { $0.contains("older than what is kept") }, "\(late.findings)")
    }
}
