import Agent
import Subprocess
import SystemPackage
import Testing

@Suite struct BoundedLogTests {
    private let temporary = TemporaryDirectory()
    private var file: FilePath { temporary.directory.file("log") }

    private func bytes(_ name: String) throws -> [UInt8] { try temporary.directory.read(name) ?? [] }

    @Test("whatever is written, two files of bounded size hold its end")
    func bounded() throws {
        let log = BoundedLog(file, limit: 4096)
        for number in 0..<1000 { log.append(Array("line \(number) ----------------\n".utf8)) }
        let all = try bytes("log.1") + bytes("log")
        #expect(try bytes("log").count <= 4096 && bytes("log.1").count <= 4096)
        let lines = String(decoding: all, as: UTF8.self).split(separator: "\n")
        #expect(lines.last == "line 999 ----------------")
        #expect(lines.count > 150 && lines.allSatisfy { $0.hasPrefix("line ") })
    }

    /// A shell's output through `muster-agent log`.
    private func log(_ script: String, limit: Int) async throws {
        let pipeline = "\(script) | \"$0\" log --file \"$1\" --limit \(limit)"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", pipeline, AgentRig.program, file.string],
            output: .discarded,
            error: .string(limit: 4096)
        )
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    }

    @Test("after a rotation no writer goes on in the file that was moved away; no line is torn")
    func manyWriters() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    try await log("seq -f 'writer \(writer) line %.0f xxxxxxxxxxxxxxxxxxxx' 2000", limit: 64 << 10)
                }
            }
            try await group.waitForAll()
        }
        let text = String(decoding: try bytes("log.1") + bytes("log"), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("writer ") && $0.hasSuffix("x") })
        #expect(try bytes("log").count <= 64 << 10 && bytes("log.1").count <= 64 << 10)
        for writer in 0..<4 {
            let own = lines.filter { $0.hasPrefix("writer \(writer) ") }.compactMap { Int($0.split(separator: " ")[3]) }
            #expect(own == own.sorted())
        }
    }

    @Test("a line without an end is cut, and a log that cannot be written holds nobody up")
    func hostileInput() async throws {
        try await log("head -c 1000000 /dev/zero", limit: 64 << 10)
        #expect(try bytes("log").count + bytes("log.1").count <= 160 << 10)
        BoundedLog(FilePath("/no/such/directory/log")).append([65, 10])
    }
}
