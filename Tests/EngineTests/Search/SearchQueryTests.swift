import HostModel
import Testing

@testable import Engine

/// oVirt's search language (ovirt.md 4.5).
@Suite struct SearchQueryTests {
    private static let fields = ["name", "status", "memory", "cluster.name"]

    private static func name(_ value: String) -> SearchQuery.Condition {
        .comparison(field: "name", .equal, value: value)
    }
    private static let isUp = SearchQuery.Condition.comparison(field: "status", .equal, value: "up")

    static let searches: [(String, SearchQuery.Condition)] = [
        ("", .all), ("  ", .all), ("name=a", name("a")), ("NAME = \"a b\"", name("a b")), ("kvm*", .word("kvm*")),
        ("name=a and status=up", .both(name("a"), isUp)), ("name=a status=up", .both(name("a"), isUp)),
        ("name=a or name=b and status=up", .either(name("a"), .both(name("b"), isUp))),
        ("(name=a or name=b) and status=up", .both(.either(name("a"), name("b")), isUp)),
        ("not name=a", .not(name("a"))), ("not (name=a or name=b)", .not(.either(name("a"), name("b")))),
        ("memory >= 1024", .comparison(field: "memory", .greaterOrEqual, value: "1024")),
        ("name!=a", .comparison(field: "name", .different, value: "a")), ("name=a=b", name("a=b")),
        ("cluster.name=Default", .comparison(field: "cluster.name", .equal, value: "Default")),
    ]

    @Test(arguments: searches) func isRead(text: String, condition: SearchQuery.Condition) throws {
        let query = try SearchQuery(text, fields: Self.fields)
        #expect(query.condition == condition)
        #expect(query.order == nil && query.page == 1)
    }

    @Test func orderAndPage() throws {
        var query = try SearchQuery("status=up sortby name desc page 3", fields: Self.fields)
        #expect(query.condition == Self.isUp && query.page == 3)
        #expect(query.order == .init(field: "name", descends: true))
        query = try SearchQuery("sortby memory", fields: Self.fields)
        #expect(query.condition == .all && query.order == .init(field: "memory"))
    }

    @Test(
        "what is wrong is said",
        arguments: [
            ("colour=red", "no field colour"), ("name=", "compared with nothing"), ("=a", "not expected"),
            ("(name=a", "not closed"),
            ("name=a)", "not expected"), ("name=\"a", "not closed"), ("name=a and", "ends where a term"),
            ("name=a; drop table host", "not allowed"), ("name='a'", "not allowed"), ("page 0", "from 1 on"),
            ("sortby colour", "names no field"), ("name=a sortby name name=b", "not expected"),
            (String(repeating: "(", count: 40), "nests too deep"),
            (String(repeating: "not ", count: 40) + "a", "nests too deep"),
            (String(repeating: "a ", count: 100), "more than 64 terms"),
            (String(repeating: "a", count: 2000), "longer than"),
        ]
    )
    func mistakes(text: String, words: String) {
        let error = #expect(throws: EngineError.self) { try SearchQuery(text, fields: Self.fields) }
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
    }

    @Test("hosts by name, status, address and number; pages do not overlap; wildcards of SQL are none")
    func hosts() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        for number in 1...5 {
            let node = try TestNode(
                "machine-\(number)",
                name: number < 4 ? "web-\(number)" : "db_\(number)".replacing("_", with: "-")
            )
            _ = try await node.enrol(with: engine, from: "192.0.2.\(number)")
        }
        func found(_ search: String, max: Int? = nil) async throws -> [String] {
            try await engine.hosts(matching: HostFilter(search: search, max: max)).map(\.name.rawValue)
        }
        #expect(try await found("web") == ["web-1", "web-2", "web-3"])
        #expect(try await found("name=WEB-2 or name=db-*") == ["db-4", "db-5", "web-2"])
        #expect(try await found("status=pending_approval and not name=web-*") == ["db-4", "db-5"])
        #expect(try await found("name=%").isEmpty)
        #expect(try await found("name=web_1").isEmpty)
        #expect(try await found("status=sleeping").isEmpty)
        #expect(try await found("memory > 1").isEmpty, "nothing is known of it yet")
        #expect(try await found("cluster=default and hw_id=machine-5") == ["db-5"])
        #expect(try await found("sortby name desc page 2", max: 2) == ["web-1", "db-5"])
        #expect(try await engine.hostCounts() == [.pendingApproval: 5])
        await #expect(throws: EngineError.self) { try await found("name < a") }
        await #expect(throws: EngineError.self) { try await found("memory = many") }
    }
}

/// Searches of things that are in memory.
@Suite struct SearchValuesTests {
    private struct Thing: Hashable {
        var name: String
        var size: Int
        var marks: [String]
    }

    private static let things = [
        Thing(name: "Ab", size: 9, marks: ["x"]), Thing(name: "abc", size: 10, marks: []),
        Thing(name: "b*c", size: 2, marks: ["x", "y"]),
    ]

    private static func found(_ text: String, max: Int = 10, isCaseSensitive: Bool = false) throws -> [String] {
        let query = try SearchQuery(text, fields: ["name", "size", "mark"])
        return query.page(of: things, max: max, isCaseSensitive: isCaseSensitive) {
            SearchValues(["name": [$0.name], "size": ["\($0.size)"], "mark": $0.marks], words: [$0.name])
        }
        .map(\.name)
    }

    @Test(arguments: [
        ("", ["Ab", "abc", "b*c"]), ("name=ab", ["Ab"]), ("name=ab*", ["Ab", "abc"]), ("name=*b*c", ["abc", "b*c"]),
        ("name=a*b*c*", ["abc"]), ("name=*", ["Ab", "abc", "b*c"]), ("name!=ab", ["abc", "b*c"]), ("mark=y", ["b*c"]),
        ("mark!=x", ["abc"]), ("size<10", ["Ab", "b*c"]), ("size>=9 sortby size", ["Ab", "abc"]), ("name<b", []),
        ("not mark=x or size=2", ["abc", "b*c"]), ("sortby size desc", ["abc", "Ab", "b*c"]), ("bc", ["abc"]),
        ("mark=x and (size=9 or size=2)", ["Ab", "b*c"]),
    ])
    func finds(_ text: String, _ names: [String]) throws { #expect(try Self.found(text) == names) }

    @Test("pages do not overlap, and none is before the first")
    func pages() throws {
        #expect(try Self.found("sortby name page 1", max: 2) == ["Ab", "abc"])
        #expect(try Self.found("sortby name page 2", max: 2) == ["b*c"])
        #expect(try Self.found("page 1000000", max: .max) == [])
        #expect(try Self.found("name=AB", isCaseSensitive: true) == [])
    }

    @Test("a pattern of many stars takes no longer than the text is long")
    func stars() throws {
        let query = try SearchQuery("name=\(String(repeating: "*a", count: 400))*b", fields: ["name"])
        let text = String(repeating: "a", count: 20_000)
        #expect(query.page(of: [text], max: 1) { SearchValues(["name": [$0]], words: []) }.isEmpty)
    }
}
