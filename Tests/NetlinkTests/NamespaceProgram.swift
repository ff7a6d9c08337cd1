import Subprocess
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Runs tests of this very program as a child in a network of its own: `unshare` inside the test process would move one
/// thread only, and the test would pass on the wrong network.
enum NamespaceProgram {
    /// Set in the child: the tests behind it change the network that they find.
    static let isInside = getenv("MUSTER_TEST_NAMESPACE") != nil

    /// Runs the tests that match `filter` in a fresh namespace. The answer is the child's exit code and output.
    static func run(filter: String) async throws -> (isSuccess: Bool, output: String) {
        let name = "muster-nl-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try await command("ip", ["netns", "add", name])
        let result = try await Subprocess.run(
            .name("ip"),
            arguments: Arguments(["netns", "exec", name] + (try childArguments(filter: filter))),
            environment: .inherit.updating(["MUSTER_TEST_NAMESPACE": "1"]),
            output: .string(limit: 1 << 20),
            error: .combinedWithOutput
        )
        try await command("ip", ["netns", "delete", name])
        return (result.terminationStatus.isSuccess, result.standardOutput)
    }

    /// The same under the kernel of `kernel-lab`, which has 802.1Q and dummy links.
    static func runInLab(filter: String) async throws -> (isSuccess: Bool, output: String) {
        let lab = #filePath.replacing("NetlinkTests/NamespaceProgram.swift", with: "kernel-lab/kernel-lab")
        let result = try await Subprocess.run(
            .name("bash"),
            arguments: Arguments(
                [lab, "-t", "300", "-M", "ipv6,bonding,8021q,bridge,dummy", "--"] + (try childArguments(filter: filter))
            ),
            environment: .inherit.updating(["MUSTER_TEST_NAMESPACE": "1"]),
            output: .string(limit: 1 << 20),
            error: .combinedWithOutput
        )
        return (result.terminationStatus.isSuccess, result.standardOutput)
    }

    static func command(_ name: String, _ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .name(name),
            arguments: Arguments(arguments),
            output: .string(limit: 1 << 16),
            error: .combinedWithOutput
        )
        try #require(result.terminationStatus.isSuccess, "\(name) \(arguments): \(result.standardOutput)")
    }

    private static func childArguments(filter: String) throws -> [String] {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        try #require(length > 0)
        let program = String(decoding: path.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return [
            program, "--testing-library", "swift-testing", "--filter", filter,
        ]
    }
}
