import Foundation
import Testing

/// The table of cases in docs/boot.md against the tests: every row names tests that are there or says why there is none, and
/// every test that is named by a case has its row.
@Suite struct BootPageTests {
    private struct Row {
        var number: String
        var tests: [String]
        var reason: String
    }

    private static func rows() throws -> [Row] {
        let page = try String(contentsOfFile: BootNetwork.checkout + "/docs/boot.md", encoding: .utf8)
        return page.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 6, cells[1].wholeMatch(of: #/[DTHE][0-9]+/#) != nil else { return nil }
            let tests = cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return Row(number: cells[1], tests: tests.filter { $0 != "none" }, reason: cells[4])
        }
    }

    /// The cases at the beginning of the names of each file's tests, by the file's name.
    private static func tests() throws -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for suite in ["BootWireTests", "BootServerTests", "EndToEndTests"] {
            let folder = URL(filePath: BootNetwork.checkout + "/Tests/" + suite)
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? []
            for case let file as URL in files where file.pathExtension == "swift" {
                let text = try String(contentsOf: file, encoding: .utf8)
                let names = text.matches(of: #/@Test\(\s*"((?:[DTHE][0-9]+, )*[DTHE][0-9]+): /#)
                let numbers = names.flatMap { $0.output.1.split(separator: ", ").map(String.init) }
                found[file.deletingPathExtension().lastPathComponent, default: []].formUnion(numbers)
            }
        }
        return found
    }

    @Test(
        "every case of DHCP, TFTP, HTTP and of whole boots has its row in docs/boot.md, with tests of its number or the reason why there is none"
    )
    func rowsHaveTests() throws {
        let (rows, tests) = (try Self.rows(), try Self.tests())
        for (letter, count) in [("D", 44), ("T", 39), ("H", 16), ("E", 9)] {
            #expect(rows.map(\.number).filter { $0.hasPrefix(letter) } == (1...count).map { "\(letter)\($0)" })
        }
        for row in rows {
            #expect(!row.tests.isEmpty || !row.reason.isEmpty, "\(row.number) has neither a test nor a reason")
            for file in row.tests {
                #expect(tests[file]?.contains(row.number) == true, "no test of \(file) is named \(row.number)")
            }
        }
    }

    @Test("every test that is named by a case is in its case's row")
    func testsHaveRows() throws {
        let rows = Dictionary(try Self.rows().map { ($0.number, $0.tests) }) { first, _ in first }
        for (file, numbers) in try Self.tests() {
            for number in numbers {
                #expect(rows[number]?.contains(file) == true, "\(number) of \(file) is not in docs/boot.md")
            }
        }
    }
}
