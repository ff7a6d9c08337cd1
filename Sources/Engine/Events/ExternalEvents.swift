import GRDB
package import HostModel

// What other programs saw, and had recorded here (oVirt's external events).

extension Schema {
    /// Beside the events, because few have it; the chain covers what the event says.
    static let externalEvents = """
        CREATE TABLE externalEvent (
            event INTEGER PRIMARY KEY NOT NULL REFERENCES event("index") ON DELETE CASCADE,
            origin TEXT NOT NULL CHECK (length(origin) BETWEEN 1 AND 255),
            customID INTEGER NOT NULL,
            UNIQUE (origin, customID)
        ) STRICT
        """
}

extension EventCode {
    /// EXTERNAL_EVENT_NORMAL, EXTERNAL_EVENT_WARNING, EXTERNAL_EVENT_ERROR, EXTERNAL_ALERT.
    static func external(_ severity: EventRecord.Severity) -> EventCode {
        switch severity {
        case .normal: EventCode(rawValue: 9801)
        case .warning: EventCode(rawValue: 9802)
        case .error: EventCode(rawValue: 9803)
        case .alert: EventCode(rawValue: 9804)
        }
    }
}

extension HostEngine {
    /// Octets of a program's name.
    static let originMax = 255
    /// The name that the engine's own events have.
    static let ownOrigin = "ovirt"

    /// Records what another program saw. The program's own number makes sure that it is there once.
    package func addEvent(
        _ order: EventOrder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> EventRecord {
        guard let text = order.description, let word = order.severity, let origin = order.origin,
            let number = order.custom_id?.value, !text.isEmpty
        else {
            throw EngineError(
                .invalid,
                "An event has a description, a severity, an origin and a custom_id.",
                remedy: "Give all four."
            )
        }
        guard let severity = EventRecord.Severity(rawValue: word) else {
            throw EngineError(
                .invalid,
                "\(terminalEscaped(word.prefix(32))) is no severity.",
                remedy: "Give normal, warning, error or alert."
            )
        }
        guard (1...Self.originMax).contains(origin.utf8.count), origin.lowercased() != Self.ownOrigin else {
            throw EngineError(
                .invalid,
                "An origin has 1 to \(Self.originMax) octets and is not oVirt, which is the engine itself.",
                remedy: "Give the name of the program."
            )
        }
        let context = context(by: user, correlation)
        let index = try await store.write { [store] db -> Int64 in
            let known = "SELECT event FROM externalEvent WHERE origin = ? AND customID = ?"
            if let before = try Int64.fetchOne(db, sql: known, arguments: [origin, number]) {
                throw EngineError(
                    .conflict,
                    "Event \(number) of \(terminalEscaped(origin.prefix(64))) is recorded already, as \(before).",
                    remedy: "Give another custom_id."
                )
            }
            let host = try order.host.map { try HostRow.require($0, in: db) }
            let occurrence = Occurrence(
                .external(severity),
                severity,
                terminalEscaped(text),
                host: host,
                user: context.user,
                correlation: context.correlation
            )
            try store.record(occurrence, at: context.now, in: db)
            let sql = #"SELECT max("index") FROM event"#
            let index = try Int64.fetchOne(db, sql: sql) ?? 0
            try db.execute(
                literal: "INSERT INTO externalEvent (event, origin, customID) VALUES (\(index), \(origin), \(number))"
            )
            return index
        }
        return try await event(index)
    }
}

extension HostRow {
    /// By id, or else by name.
    fileprivate static func require(_ reference: WireReference, in db: Database) throws -> HostRow {
        if let id = reference.id.flatMap(UniqueID.init(rawValue:)) { return try require(id, in: db) }
        let name = reference.text.lowercased()
        guard let host = try HostRow.filter(Column("name") == name).fetchOne(db) else {
            throw EngineError(
                .notFound,
                "There is no host \(terminalEscaped(reference.text.prefix(64))).",
                remedy: "`muster host list` shows them."
            )
        }
        return host
    }
}
