import Testing

/// The acceptance list of upstream's functional tests, one test a line, judged by iproute2 (ovirt.md 6.7).
@Suite struct AcceptanceTests {
    @Test("every line under a kernel with bonding, 802.1Q and dummy", .disabled(if: LabProgram.isInside))
    func inLab() async throws {
        try judge(try await LabProgram.run(filter: "AgentTests.Lab", seconds: 900))
    }

    @Test("virtual functions of a PCI device that QEMU plays", .disabled(if: LabProgram.isInside))
    func functions() async throws {
        let options = ["-b", "qemu", "-V", "4", "-M", "nvme"]
        try judge(try await LabProgram.run(filter: "AgentTests.FunctionLab", seconds: 300, options: options))
    }

    private func judge(_ result: (isSuccess: Bool, output: String)) throws {
        let lines = result.output.split(separator: "\n").filter {
            $0.contains("recorded an issue") || $0.contains("Test run")
        }
        #expect(result.isSuccess, "\(lines.prefix(40).joined(separator: "\n"))\n\(result.output.suffix(3000))")
        #expect(result.output.contains("passed after"), "tests were run")
    }
}
