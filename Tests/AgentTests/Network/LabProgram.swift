import Subprocess
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Runs tests of this very program as root under the kernel of `kernel-lab`, which has bonding, 802.1Q and dummy links.
enum LabProgram {
    /// Set in the child: the tests behind it change the network that they find.
    static let isInside = getenv("MUSTER_TEST_NAMESPACE") != nil

    /// Runs the tests that match `filter`. The answer is whether all passed, and what the child printed.
    static func run(
        filter: String,
        seconds: Int,
        options: [String] = [
            "-M",
            "ipv6,bonding,8021q,bridge,dummy,veth,tun,sch_hfsc,sch_fq_codel,sch_tbf,sch_sfq,sch_cake,cls_basic,cls_u32,em_meta",
        ]
    ) async throws -> (isSuccess: Bool, output: String) {
        let lab = #filePath.replacing("AgentTests/Network/LabProgram.swift", with: "kernel-lab/kernel-lab")
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        try #require(length > 0)
        let program = String(decoding: path.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        let words =
            [lab, "-t", "\(seconds)"] + options + [
                "--", program, "--testing-library", "swift-testing", "--no-parallel", "--filter", filter,
            ]
        let result = try await Subprocess.run(
            .name("bash"),
            arguments: Arguments(words),
            environment: .inherit.updating(["MUSTER_TEST_NAMESPACE": "1"]),
            output: .string(limit: 4 << 20),
            error: .combinedWithOutput
        )
        return (result.terminationStatus.isSuccess, result.standardOutput)
    }

    /// What a program prints; the test fails when it fails. Waits on the spot: inside there is one processor, and nothing else
    /// to do.
    @discardableResult
    static func command(_ words: [String], isSure: Bool = true) throws -> String {
        var name = Array("/tmp/lab-output-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        try #require(file >= 0)
        defer { close(file) }
        unlink(name)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, file, 1)
        posix_spawn_file_actions_adddup2(&actions, file, 2)
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        try #require(posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ) == 0, "\(words)")
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        lseek(file, 0, SEEK_SET)
        var (output, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while case let count = read(file, &chunk, chunk.count), count > 0 { output += chunk.prefix(count) }
        let text = String(decoding: output, as: UTF8.self)
        if isSure { try #require(status == 0, "\(words): \(text)") }
        return text
    }
}
