import Foundation
import HostModel
import Testing

@Suite struct HostLogTests {
    @Test("the last lines, each of a bounded length, cut at a character")
    func bounds() throws {
        let log = HostLog("agent", lines: (0..<3000).map { "line \($0)" })
        #expect(log.lines.count == HostLog.linesMax && log.lines.last == "line 2999")
        let long = String(repeating: "ä", count: 2000)
        let cut = try #require(HostLog("agent", lines: ["a" + long]).lines.first)
        #expect(cut.utf8.count <= HostLog.lineBytesMax + 3 && cut.hasPrefix("aä") && cut.hasSuffix("ä…"))
    }

    @Test("a character of endless combining marks is cut by its bytes, between two scalars")
    func combiningMarks() throws {
        let marks = "e" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(Array(marks.prefix(bytes: 4).unicodeScalars) == ["e", "\u{301}"])
        #expect(marks.prefix(bytes: 0).isEmpty && "ä".prefix(bytes: 1).isEmpty && "äb".prefix(bytes: 3) == "äb")
        #expect("abc".dropFirst().prefix(bytes: 9) == "bc")
        let cut = try #require(HostLog("agent", lines: [marks]).lines.first)
        #expect(cut.utf8.count == 999 + "…".utf8.count)
    }

    @Test("what comes over the wire is bounded in the same way")
    func wire() throws {
        let hostile = ["name": String(repeating: "n", count: 5000), "other": "x"]
        var object: [String: Any] = hostile
        object["lines"] = Array(repeating: String(repeating: "x", count: 5000), count: 2500)
        let log = try JSONDecoder().decode(HostLog.self, from: try JSONSerialization.data(withJSONObject: object))
        #expect(log.name.utf8.count < 100 && log.lines.count == HostLog.linesMax)
        #expect(log.lines.allSatisfy { $0.utf8.count <= HostLog.lineBytesMax + 3 })
        #expect(
            try JSONDecoder().decode(HostLog.self, from: try JSONEncoder().encode(log)).lines.count == log.lines.count
        )
        #expect(throws: (any Error).self) { try JSONDecoder().decode(HostLog.self, from: Data(#"{"name": "a"}"#.utf8)) }
    }
}
