import Foundation
import Testing

/// docs/faults.md against the tests: every row names tests that are there, and every numbered test here has its row.
@Suite struct FaultsPageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardized

    private struct Row {
        var number: String
        var files: [String]
    }

    private static func rows() throws -> [Row] {
        let page = try String(contentsOf: root.appending(path: "docs/faults.md"), encoding: .utf8)
        return page.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 6, cells[1].wholeMatch(of: /[FA][0-9]+/) != nil else { return nil }
            return Row(
                number: cells[1],
                files: cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            )
        }
    }

    /// The numbers at the beginning of the names of each file's tests, by the file's path below Tests.
    private static func tests() throws -> [String: Set<String>] {
        let folder = root.appending(path: "Tests")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? []
        let sources = files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let pairs = try sources.map { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            let numbers = text.matches(of: #/@Test\(\s*"([FA][0-9]+): /#).map { String($0.output.1) }
            return (String(file.path.dropFirst(folder.path.count + 1).dropLast(6)), Set(numbers))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    @Test("every number of docs/faults.md has its tests in each file that its row names")
    func rowsHaveTests() throws {
        let (rows, tests) = (try Self.rows(), try Self.tests())
        let wanted =
            [1, 2, 3, 4, 5, 6, 7, 8, 27, 29, 30].map { "F\($0)" }
            + [1, 2, 3, 4, 8, 9, 10, 11, 13, 15, 16, 29, 30, 31, 32, 38, 39].map { "A\($0)" }
        #expect(rows.map(\.number) == wanted)
        for row in rows {
            for file in row.files {
                let places = tests.filter { $0.key.hasSuffix("/\(file)") || $0.key == file }
                #expect(places.count == 1, "\(row.number): \(file) is \(places.keys.sorted())")
                #expect(places.values.first?.contains(row.number) == true, "no test of \(file) is named \(row.number)")
            }
        }
    }

    @Test("every numbered test of the engine's suites is in its row")
    func testsHaveRows() throws {
        let rows = Dictionary(try Self.rows().map { ($0.number, $0.files) }) { first, _ in first }
        let suites = ["EngineTests/", "EngineAPITests/", "EngineClientTests/"]
        for (file, numbers) in try Self.tests() where suites.contains(where: file.hasPrefix) {
            for number in numbers {
                guard let files = rows[number] else { continue }
                #expect(files.contains { file.hasSuffix($0) }, "\(number) of \(file) is not in docs/faults.md")
            }
        }
    }
}
