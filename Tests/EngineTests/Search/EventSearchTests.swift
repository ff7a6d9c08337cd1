import GRDB
import HostModel
import Testing

@testable import Engine

/// Searches of events, in a real database.
@Suite struct EventSearchTests {
    /// 2026-11-26, 12:00 UTC.
    private static let noon: Int64 = 1_795_694_400_000

    /// code, severity, text, minutes before noon, user
    private static let rows: [(Int, String, String, Int64, String?)] = [
        (13, "normal", "Host a is up.", 24 * 60, "admin@internal"), (12, "error", "Host a: no 100% answer.", 60, nil),
        (839, "warning", "Waits; retry_later.", 10, "ops@internal"), (13, "alert", "Host b is up.", 0, nil),
    ]

    private static func query(_ search: String, max: Int) throws -> EventQuery {
        var query = EventQuery(max: max)
        try query.take(search: search, isCaseSensitive: false)
        return query
    }

    static let searches: [(String, [Int])] = [
        ("", [4, 3, 2, 1]), ("type=13", [4, 1]), ("type=12 or type=839", [3, 2]), ("type!=13", [3, 2]),
        ("severity=error", [2]), ("severity>=warning", [4, 3, 2]), ("severity<warning", [1]),
        ("message=*up.", [4, 1]), ("100%", [2]), ("RETRY_LATER", [3]), ("retry%later", []),
        ("user=admin@internal", [1]), ("user=*internal", [3, 1]), ("user!=admin@internal", [4, 3, 2]),
        ("time=today", [4, 3, 2]), ("time=yesterday", [1]), ("time>2h", [4, 3, 2]), ("time<30m", [2, 1]),
        ("time>=2026-11-26T11:50:00Z", [4, 3]), ("time<=2026-11-25", [1]), ("time<=11/25/2026", [1]),
        ("time>2026-11-25", [4, 3, 2]),
        ("time!=2026-11-25", [4, 3, 2]), ("sortby time", [1, 2, 3, 4]), ("sortby severity desc", [4, 2, 3, 1]),
        ("not (severity=error or type=13)", [3]), ("page 2", []),
    ]

    @Test(arguments: searches) func finds(search: String, expected: [Int]) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let store = engine.store
        let (noon, rows) = (Self.noon, Self.rows)
        let first = try await store.write { db in
            for (code, severity, text, minutes, user) in rows {
                let event = Occurrence(
                    EventCode(rawValue: code),
                    try #require(EventRecord.Severity(rawValue: severity)),
                    text,
                    user: user
                )
                try store.record(event, at: noon - minutes * 60_000, in: db)
            }
            return db.lastInsertedRowID - Int64(rows.count)
        }
        var query = try Self.query(search, max: 100)
        query.after = first
        let found = try await store.events(query, now: noon)
        #expect(found.map { Int($0.index - first) } == expected)
    }

    @Test(arguments: [
        "severity=loud", "time=soon", "time=2026-13-01", "time>9999999999-01-01T00:00:00Z", "time>99999-01-01",
        "time<-1-01-01T00:00:00Z", "type=x", "message>a", "time=9999999d", "time=d",
    ])
    func refuses(search: String) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let error = await #expect(throws: EngineError.self) {
            try await engine.store.events(try Self.query(search, max: 10), now: Self.noon)
        }
        #expect(error?.kind == .invalid)
    }

    @Test("a page far behind everything is empty, not a crash")
    func farPages() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        #expect(try await engine.store.events(try Self.query("page 1000000", max: .max), now: Self.noon).isEmpty)
    }
}
