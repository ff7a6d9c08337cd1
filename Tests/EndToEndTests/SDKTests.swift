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
}
