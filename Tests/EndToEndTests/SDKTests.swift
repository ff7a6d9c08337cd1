import Foundation
import Subprocess
import SystemPackage
import Testing

/// oVirt's own Python SDK against a fresh engine with simulated hosts, as packaging/api/try runs it (`make test-api` has every
/// case). Needs root, the built programs, and PyPI the first time.
@Suite(.serialized) struct SDKTests {
    @Test("oVirt's SDK signs in, lists hosts, makes and removes a cluster, reads events, and understands every refusal")
    func short() async throws {
        let result = try await run(
            .path(EndToEndTests.repository.appending("packaging/api/try")),
            arguments: ["short"],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        try #require(result.terminationStatus == .exited(0), "\(result.standardOutput + result.standardError)")
        #expect(result.standardOutput.contains("ok: short"))
    }

    @Test("docs/api.md names the cases that there are, and no others")
    func documentation() throws {
        func text(_ path: String) throws -> String {
            let file = EndToEndTests.repository.appending(path)
            return try String(contentsOfFile: file.string, encoding: .utf8)
        }
        let cases = try text("packaging/api/cases.py").matches(of: /\ndef case_([a-z_]+)\(/).map { String($0.output.1) }
        let rows = try text("docs/api.md").split(separator: "\n").filter { $0.contains(/\| [✔◐✘] \|/) }
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
