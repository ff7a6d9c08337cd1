import FoundationEssentials
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

/// docs/images.md says of each of the 60 acceptance cases which suite tests it, or why none does; this holds it to that.
@Suite struct AcceptanceCasesTests {
    private struct Row {
        var number: Int
        var isTested: Bool
        var suites: [String]
    }

    /// Rows of the table: `| 12 capabilities | TarWriterTests, RootImageTests. … |`.
    private static func rows() throws -> [Row] {
        let text = try readText(Project.root.appending("docs/images.md"), limit: 1 << 20)
        guard let start = text.firstRange(of: "## Acceptance cases\n"),
            let end = text[start.upperBound...].firstRange(of: "\n### ")
        else { return [] }
        return text[start.upperBound..<end.lowerBound].split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: /\| ([0-9]+) [^|]+ \| ([^|]+) \|/), let number = Int(match.1) else {
                return nil
            }
            let isLeftOut = match.2.hasPrefix("left out") || match.2.hasPrefix("belongs to")
            let suites = match.2.matches(of: /[A-Z][A-Za-z]+Tests(?!, without a number)/).map { String($0.output) }
            return Row(number: number, isTested: !isLeftOut, suites: suites)
        }
    }

    /// The numbers in the names of tests and of their arguments, by the name of the file: what a comment says proves nothing.
    private static func numbers() throws -> [String: Set<Int>] {
        let tests = Project.root.appending("Tests")
        var found: [String: Set<Int>] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: tests.string)
        where name.hasSuffix("Tests.swift") {
            guard let suite = FilePath(name).stem else { continue }
            let text = try readText(tests.appending(name), limit: 1 << 20).split(separator: "\n")
                .filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
            for match in text.matches(of: /\bcases? ([0-9]+(?:(?:, | and )[0-9]+)*)/) {
                found[suite, default: []].formUnion(match.1.matches(of: /[0-9]+/).compactMap { Int($0.output) })
            }
        }
        return found
    }

    @Test("each of the 60 is named once, with a suite that has its number, or with a reason")
    func everyCase() throws {
        let rows = try Self.rows()
        #expect(rows.map(\.number) == Array(1...60))
        let numbers = try Self.numbers()
        for row in rows where row.isTested {
            #expect(!row.suites.isEmpty, "case \(row.number) names no suite")
            for suite in row.suites {
                #expect(numbers[suite]?.contains(row.number) == true, "\(suite) has no test of case \(row.number)")
            }
        }
    }
}
