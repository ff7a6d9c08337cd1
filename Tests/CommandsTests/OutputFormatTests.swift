import ArgumentParser
import Foundation
import HostModel
import Testing

@testable import Commands

/// Wide tables, names alone, and paths.
@Suite struct OutputFormatTests {
    private static let document = #"""
        [{"name": "a", "n": 1, "tags": ["x", "y"], "c": {"name": "east", "s p": true}},
         {"name": "b\u001b[2J", "n": 2, "c": {"name": "west"}, "status": "up"}]
        """#

    @Test(
        "paths lead to values, one a line",
        arguments: [
            ("$[*].name", "a\nb\\u{1b}[2J\n"), ("[0].n", "1\n"), ("{[-1].n}", "2\n"), ("$[*].c.name", "east\nwest\n"),
            ("$..name", "east\na\nwest\nb\\u{1b}[2J\n"), ("$[0].tags[*]", "x\ny\n"), ("$[0].c['s p']", "true\n"),
            (#"$[?(@.status=="up")].n"#, "2\n"), (#"$[?(@.c.name != 'west')].n"#, "1\n"), ("$[?@.status].n", "2\n"),
            ("$[7].name", ""), ("$.name", ""), ("$[0].tags", "[\"x\",\"y\"]\n"), ("$[0].*", nil),
        ] as [(String, String?)]
    )
    func paths(text: String, expected: String?) throws {
        let path = try #require(JSONPath(text))
        let root = try JSONDecoder().decode(JSONValue.self, from: Data(Self.document.utf8))
        let shown = OutputFormat.path(path).render(root, as: Sentence(words: ""), .plain)
        if let expected { #expect(shown == expected) } else { #expect(shown.split(separator: "\n").count == 4) }
    }

    @Test(
        "what is no path is refused, every beginning of one read without a fault",
        arguments: [
            "name", "$[", "$['a'", "$[x]", "$.", "$[?]", "$[?(@)]", "$[?(@.a==)]", "$[?(@.a=='b]", "{", "$..", "$[1.5]",
            String(repeating: ".a", count: 300),
        ]
    )
    func refused(text: String) {
        #expect(JSONPath(text) == nil)
        for count in 0..<min(text.count, 64) { _ = JSONPath(String(text.prefix(count))) }
        #expect(OutputFormat(argument: "jsonpath=\(text)") == nil)
    }

    @Test func namesAreAloneAndSafe() throws {
        let root = try JSONDecoder().decode(JSONValue.self, from: Data(Self.document.utf8))
        #expect(OutputFormat.name.render(root, as: Sentence(words: ""), .plain) == "a\nb\\u{1b}[2J\n")
        #expect(OutputFormat.name.render(["p", "q"], as: Sentence(words: ""), .plain) == "p\nq\n")
    }

    @Test func aWideTableHasEveryColumn() {
        let table = Table(header: ["A", "B", "C"], rows: [[Cell("1"), Cell("2"), Cell("3")]], usual: 2)
        #expect(OutputFormat.table.render("", as: table, .plain) == "A  B\n1  2\n")
        #expect(OutputFormat.wide.render("", as: table, .plain) == "A  B  C\n1  2  3\n")
    }

    @Test(
        "the options of host list are one search",
        arguments: [
            ([], nil), (["--cluster", "east"], #"cluster="east""#),
            (["--status", "up", "--tag", "ssd"], #"status="up" and tag="ssd""#),
            (["--search", "kvm* or x"], "kvm* or x"),
            (["--search", "kvm* or x", "--tag", "ssd"], #"tag="ssd" and (kvm* or x)"#),
            (["--search", "a sortby name desc page 2", "--tag", "t"], #"tag="t" and (a) sortby name desc page 2"#),
            (["--search", "sortby name", "--tag", "t"], #"tag="t" sortby name"#),
            (["--search", #"name="a page 2""#, "--tag", "t"], #"tag="t" and (name="a page 2")"#),
        ] as [([String], String?)]
    )
    func searches(words: [String], expected: String?) async throws {
        #expect(try await HostList.asyncParse(words).query() == expected)
    }

    @Test func quotesInOptionsAreRefused() async throws {
        let list = try await HostList.asyncParse(["--tag", "a\" or name=\"b"])
        #expect(throws: ValidationError.self) { try list.query() }
    }
}
