import Foundation
import Subprocess
import SystemPackage
import Testing

/// oVirt's own Python SDK against a fresh engine with simulated hosts, as packaging/api/try runs it (`make test-api` has the slow
/// cases, too). Needs root, the built programs, and PyPI the first time.
@Suite(.serialized) struct SDKTests {
    /// Minutes each, and programs of their own.
    private static let slow: Set<String> = ["ansible", "openapi"]

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: EndToEndTests.repository.appending(path).string, encoding: .utf8)
    }

    private static func cases() throws -> [String] {
        try text("packaging/api/cases.py").matches(of: /\ndef case_([a-z_]+)\(/).map { String($0.output.1) }
    }

    @Test("oVirt's SDK finds here what it finds at oVirt, and understands every refusal")
    func conversation() async throws {
        let quick = try Self.cases().filter { !Self.slow.contains($0) }
        let result = try await run(
            .path(EndToEndTests.repository.appending("packaging/api/try")),
            arguments: Arguments(quick),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let said = result.standardOutput
        try #require(result.terminationStatus == .exited(0), "\(said) \(result.standardError)")
        for name in quick { #expect(said.contains("ok: \(name) "), "\(said)") }
    }

    @Test("docs/api.md names the cases that there are, and no others")
    func documentation() throws {
        let cases = try Self.cases()
        let rows = try Self.text("docs/api.md").split(separator: "\n").filter { $0.contains(/\| [✔◐✘] \|/) }
        let named = rows.flatMap { row in
            let last = row.split(separator: "|").last ?? ""
            return last.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty && $0 != "–" }
        }
        #expect(Set(named).isSubset(of: cases), "\(Set(named).subtracting(cases))")
        // What holds for every service.
        let others: Set = ["floods", "follow", "forms", "openapi", "short"]
        #expect(Set(cases).subtracting(named).isSubset(of: others), "\(Set(cases).subtracting(named))")
    }
}
