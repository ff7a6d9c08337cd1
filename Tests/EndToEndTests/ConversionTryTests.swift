import Glibc
import Subprocess
import SystemPackage
import Testing

/// An existing server becomes a host by the command line and a real engine, as packaging/convert/try runs it, and goes back.
/// Needs root, the built programs and the built agent.
@Suite(.serialized) struct ConversionTryTests {
    private static let script = EndToEndTests.repository.appending("packaging/convert/try")

    private func transcript(_ scenario: String) async throws -> String {
        let result = try await run(
            .path(Self.script),
            arguments: [scenario],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        try #require(result.terminationStatus == .exited(0), "\(result.standardOutput + result.standardError)")
        return result.standardOutput
    }

    @Test("a server is checked, converted until it is up, repaired, and given back with /etc equal by hash")
    func full() async throws {
        let text = try await transcript("full")
        #expect(text.contains("ok: the host is up, and its address sits on ovirtmgmt"))
        #expect(text.contains("ok: uninstalled: /etc, packages, services and addresses are as they were"))
    }

    @Test(
        "faults through the engine",
        .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil, "MUSTER_TEST_CONVERT=1 runs it"),
        arguments: [
            "kill", "early", "break", "host-key", "many", "undo", "abort", "engines", "unfit", "reboot", "vlan",
            "power",
        ]
    )
    func faults(scenario: String) async throws { _ = try await transcript(scenario) }
}
