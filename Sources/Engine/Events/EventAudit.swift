import Foundation
import GRDB
import HostModel
import Logging

/// The check of the chains that recorded events are in (`EventChain`), beside a running engine.
package struct EventAudit: Hashable, Sendable {
    /// Where a chain stood once: `CLASS:INDEX:SHA256`.
    package struct Head: Hashable, Sendable, CustomStringConvertible {
        package var kind: EventCode.Class
        package var index: Int64
        /// 64 lower-case hexadecimal digits.
        package var link: String

        /// `nil` for what is none.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, let kind = EventCode.Class.allCases.first(where: { $0.word == parts[0] }),
                let index = Int64(parts[1]), index >= 0,
                parts[2].utf8.count == 2 * EventChain.linkLength, parts[2].allSatisfy(\.isHexDigit)
            else { return nil }
            (self.kind, self.index, link) = (kind, index, parts[2].lowercased())
        }

        init(_ kind: EventCode.Class, _ index: Int64, _ link: Data) {
            (self.kind, self.index, self.link) = (kind, index, Array(link).hexDigits)
        }

        package var description: String { "\(kind.word):\(index):\(link)" }
    }

    /// How many events were checked.
    package var events = 0
    package var heads: [Head] = []
    /// What does not fit, a sentence each; empty: nothing.
    package var findings: [String] = []

    /// Findings of one chain; the first is where it breaks.
    package static let findingsMax = 16

    /// Reads the database of an installation; an engine may run on it. `known`: heads that were noted earlier. Throws where
    /// there is no installation, or one that this version does not know.
    package static func check(_ settings: EngineSettings, known: [Head] = []) throws(EngineError) -> EventAudit {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(10)
            let queue = try DatabaseQueue(path: settings.databasePath, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { db in
                guard try db.tableExists("eventChain") else {
                    throw EngineError(
                        .notFound,
                        "The events of \(settings.dataDirectory) are in no chain yet.",
                        remedy: "Start this version of `muster-engine serve` once."
                    )
                }
                var audit = EventAudit()
                for kind in EventCode.Class.allCases { try audit.check(kind, in: db) }
                for head in known { try audit.compare(head, in: db) }
                return audit
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(
                .failed,
                "\(settings.databasePath) cannot be read: \(error).",
                remedy: "Give --data-directory, and run as the engine's user or as root."
            )
        }
    }

    private mutating func check(_ kind: EventCode.Class, in db: Database) throws {
        guard
            let chain = try Row.fetchOne(
                db,
                sql: "SELECT * FROM eventChain WHERE class = ?",
                arguments: [kind.rawValue]
            )
        else { return find("The chain of \(kind.word) events is gone.") }
        let begin: Int64 = chain["begin"]
        var (last, link): (Int64, Data) = (begin, chain["anchor"])
        var found = 0
        let rows = try Row.fetchCursor(
            db,
            sql: #"SELECT * FROM event WHERE class = ? AND "index" > ? ORDER BY "index""#,
            arguments: [kind.rawValue, begin]
        )
        while let row = try rows.next(), found < Self.findingsMax {
            let (index, stored): (Int64, Data?) = (row["index"], row["link"])
            if stored != EventChain.link(after: link, row) {
                find(
                    "Event \(index) (\(kind.word)) is not what was recorded after event \(last), or one between is gone."
                )
                found += 1
            }
            // Goes on from what stands there, so that each place that was changed shows.
            (last, link, events) = (index, stored ?? EventChain.begin, events + 1)
        }
        let (newest, head): (Int64, Data) = (chain["newest"], chain["head"])
        if found < Self.findingsMax, last != newest && newest > begin || link != head && newest > begin {
            find("The newest \(kind.word) event was \(newest), and the chain ends with \(last).")
        }
        heads.append(Head(kind, newest, head))
    }

    private mutating func compare(_ head: Head, in db: Database) throws {
        let chain = try Row.fetchOne(
            db,
            sql: "SELECT begin, anchor FROM eventChain WHERE class = ?",
            arguments: [head.kind.rawValue]
        )
        let (begin, anchor): (Int64, Data?) = (chain?["begin"] ?? 0, chain?["anchor"])
        // The event just before the chain's begin is gone, and its link is kept.
        let link =
            head.index == begin
            ? anchor
            : try Data.fetchOne(
                db,
                sql: #"SELECT link FROM event WHERE "index" = ? AND class = ?"#,
                arguments: [head.index, head.kind.rawValue]
            )
        switch link {
        case let link? where Array(link).hexDigits == head.link: break
        case nil where head.index < begin:
            find("Event \(head.index) (\(head.kind.word)) is older than what is kept; note newer heads.")
        case nil: find("Event \(head.index) (\(head.kind.word)), whose link was noted, is gone.")
        default: find("Event \(head.index) (\(head.kind.word)) has another link than the one that was noted.")
        }
    }

    private mutating func find(_ sentence: String) { findings.append(sentence) }
}

extension EventCode.Class {
    /// In heads.
    package var word: String {
        switch self {
        case .other: "site"
        case .strangers: "strangers"
        case .boot: "boot"
        }
    }
}

extension HostEngine {
    /// Where the chains stand, as one line of text: what belongs in another place than this database.
    func auditHeads() async throws(EngineError) -> String {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM eventChain ORDER BY class").compactMap { row in
                EventCode.Class(rawValue: row["class"]).map {
                    EventAudit.Head($0, row["newest"], row["head"]).description
                }
            }.joined(separator: " ")
        }
    }

    static let auditNoteInterval = Duration.seconds(3600)

    /// Writes the heads into the log, at the start and once an hour: the log goes to another place, often to another machine.
    func noteAuditHeads() async {
        while !Task.isCancelled {
            do {
                let heads = try await auditHeads()
                logger.notice("events: \(heads)")
            } catch {
                logger.warning("The heads of the events cannot be read: \(error)")
            }
            try? await Task.sleep(for: Self.auditNoteInterval)
        }
    }
}
