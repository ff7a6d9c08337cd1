import GRDB
import HostModel
import Logging

/// An event that is about to be recorded.
struct Occurrence: Sendable, Hashable {
    var code: EventCode
    var severity: EventRecord.Severity
    /// A sentence; what machines say of themselves is escaped in it already.
    var text: String
    var host: UniqueID?
    var hostName: HostName?
    /// The machine of a boot step, by which it finds its host once it has one.
    var mac: MACAddress?
    var user: String?
    var correlation: String?

    init(
        _ code: EventCode,
        _ severity: EventRecord.Severity = .normal,
        _ text: String,
        host: HostRow? = nil,
        user: String? = nil,
        correlation: String? = nil
    ) {
        (self.code, self.severity, self.text) = (code, severity, text)
        (self.host, self.hostName) = (host?.id, host?.name)
        (self.user, self.correlation) = (user, correlation)
    }
}

extension Occurrence {
    /// The log tells what the events tell, so that a collector has both. What strangers and boot steps can cause without end
    /// is there for who asks for it.
    func write(to logger: Logger) {
        let level: Logger.Level =
            switch (code.class, severity) {
            case (.strangers, _), (.boot, _): .debug
            case (.other, .normal): .info
            case (.other, .warning): .warning
            case (.other, .error): .error
            case (.other, .alert): .critical
            }
        guard logger.logLevel <= level else { return }
        var details: Logger.Metadata = ["code": "\(code.rawValue)"]
        if let host { details["host"] = "\(host)" }
        if let hostName { details["hostName"] = "\(hostName)" }
        if let user { details["user"] = "\(user)" }
        if let correlation { details["correlation"] = "\(correlation)" }
        logger.log(level: level, "\(text)", metadata: details)
    }
}

extension Store {
    /// Every so many events it is looked whether a class has more than its share.
    static let eventsBetweenLooks: Int64 = 1000
    /// Bytes of one event's text.
    static let eventTextMax = 2000

    /// Writes an event within a transaction; those who wait are told when it is committed.
    func record(_ occurrence: Occurrence, at time: Int64, in db: Database) throws {
        try db.execute(
            literal: """
                INSERT INTO event (code, class, severity, time, text, host, hostName, mac, user, correlation)
                VALUES (\(occurrence.code), \(occurrence.code.class.rawValue), \(occurrence.severity), \(time),
                        \(String(occurrence.text.prefix(bytes: Self.eventTextMax))), \(occurrence.host),
                        \(occurrence.hostName), \(occurrence.mac), \(occurrence.user), \(occurrence.correlation))
                """
        )
        let index = db.lastInsertedRowID
        try chain(index, occurrence.code.class, in: db)
        if index.isMultiple(of: Self.eventsBetweenLooks) { try dropOldEvents(in: db) }
        db.afterNextTransaction(onCommit: { [feed, logger] _ in
            feed.announce(index)
            occurrence.write(to: logger)
        })
    }

    /// Each class keeps its newest, so that a flood of one leaves the others alone.
    func dropOldEvents(in db: Database) throws {
        for kind in EventCode.Class.allCases {
            let last = try SQLRequest<Int64>(
                literal: """
                    SELECT "index" FROM event WHERE class = \(kind.rawValue)
                    ORDER BY "index" DESC LIMIT 1 OFFSET \(retention.count(of: kind))
                    """
            ).fetchOne(db)
            if let last { try dropEvents(of: kind, upTo: last, in: db) }
        }
    }

    /// Drops events that have had their time, `retention.days` after they were recorded: as far as all of them have. One that
    /// was recorded while the clock stood wrong takes none of its elders along.
    func dropAgedEvents(at now: Int64, in db: Database) throws {
        let oldest = now - Int64(retention.days) * 24 * 3600 * 1000
        for kind in EventCode.Class.allCases {
            let stays = try SQLRequest<Int64>(
                literal: #"SELECT min("index") FROM event WHERE class = \#(kind.rawValue) AND time >= \#(oldest)"#
            ).fetchOne(db)
            let last = try SQLRequest<Int64>(
                literal:
                    #"SELECT max("index") FROM event WHERE class = \#(kind.rawValue) AND "index" < \#(stays ?? .max)"#
            ).fetchOne(db)
            if let last { try dropEvents(of: kind, upTo: last, in: db) }
        }
    }

    /// What a machine did before it had a host belongs to the host that it became.
    func adoptEvents(of macs: [MACAddress], by host: HostRow, in db: Database) throws {
        for mac in macs {
            try db.execute(
                literal: """
                    UPDATE event SET host = \(host.id), hostName = \(host.name) WHERE host IS NULL AND mac = \(mac)
                    """
            )
        }
    }

    func record(_ occurrences: [Occurrence], at time: Int64) async throws(EngineError) {
        guard !occurrences.isEmpty else { return }
        try await write { db in
            for occurrence in occurrences { try record(occurrence, at: time, in: db) }
        }
    }

    func events(_ query: EventQuery, at now: Int64 = 0) async throws(EngineError) -> [EventRecord] {
        let limit = min(max(query.max, 0), EventQuery.maxLimit)
        let condition = try SearchTable.events.sql(query.search.condition, now: now)
        let order = query.newestFirst ? SearchTable.events.sql(query.search.order) : #"event."index""#
        return try await read { db in
            let request: SQL = """
                SELECT * FROM event WHERE event."index" > \(query.after ?? 0) AND (\(condition))
                ORDER BY \(order) LIMIT \(limit) OFFSET \((query.search.page - 1) * limit)
                """
            return try SQLRequest<Row>(literal: request).fetchAll(db).map(EventRecord.init)
        }
    }
}

extension EventRecord {
    init(_ row: Row) {
        (index, code, severity) = (row["index"], row["code"], row["severity"])
        (time, text, host, hostName) = (row["time"], row["text"], row["host"], row["hostName"])
        (user, correlation) = (row["user"], row["correlation"])
    }
}
