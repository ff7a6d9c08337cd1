import Agent
import Glibc
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

    @Test("after a rotation no writer goes on in the file that was moved away; no line is torn")
    func manyWriters() async throws {
        let log = BoundedLog(file, limit: 64 << 10)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    var ends: [Int32] = [0, 0]
                    try #require(pipe(&ends) == 0)
                    let out = ends[1]
                    let feeder = Task.detached {
                        for number in 0..<2000 {
                            let line = Array(
                                "writer \(writer) line \(number) \(String(repeating: "x", count: 40))\n".utf8
                            )
                            _ = line.withUnsafeBytes { write(out, $0.baseAddress, $0.count) }
                        }
                        close(out)
                    }
                    log.copy(from: ends[0])
                    await feeder.value
                    close(ends[0])
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

    @Test("a line without an end is cut, and a disk that is full stops nobody")
    func hostileInput() throws {
        let log = BoundedLog(file, limit: 64 << 10)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        let feeder = Task.detached {
            let block = [UInt8](repeating: 65, count: 4096)
            for _ in 0..<256 { _ = block.withUnsafeBytes { write(output, $0.baseAddress, $0.count) } }
            close(output)
        }
        log.copy(from: input)
        close(input)
        feeder.cancel()
        #expect(try bytes("log").count + bytes("log.1").count <= 160 << 10)
        BoundedLog(FilePath("/no/such/directory/log")).append([65, 10])
    }
}
