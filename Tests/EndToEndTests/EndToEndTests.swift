import Glibc
import Subprocess
import SystemPackage
import Testing

/// The whole line on real firmware, as `make demo` runs it. Needs root, the built programs and the built agent.
@Suite struct EndToEndTests {
    static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    @Test("E1: a blank machine boots by SeaBIOS's iPXE, is approved, and is up", .enabled(if: isBootTestWanted))
    func blankMachineEndsUp() async throws {
        let demo = Self.repository.appending("packaging/demo/demo")
        let result = try await run(
            .path(demo),
            arguments: ["--firmware", "bios"],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let transcript = result.standardOutput + result.standardError
        #expect(result.terminationStatus == .exited(0), "\(transcript)")
        // Progress goes to standard error; what a script would read is the last line of standard output.
        let last = result.standardOutput.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.wholeMatch(of: /host [a-z0-9.-]+ is up: ovirtmgmt over eth0/) != nil, "\(last)")
    }
}

private var isBootTestWanted: Bool { getenv("MUSTER_TEST_BOOT").map { String(cString: $0) } == "1" }
