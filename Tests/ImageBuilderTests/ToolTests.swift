import Glibc
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct ToolTests {
    private func script(_ text: String, in scratch: Scratch) throws -> FilePath {
        let file = try scratch.write(Array("#!/bin/sh\n\(text)\n".utf8), to: "tool")
        #expect(chmod(file.string, 0o755) == 0)
        return file
    }

    private func failure(_ text: String) async throws -> BuildError? {
        let scratch = try Scratch("tool")
        do {
            _ = try await Tool.run(try script(text, in: scratch), [])
            return nil
        } catch { return error as? BuildError }
    }

    @Test("case 51: what is missing is said at once, with the packages") func missing() {
        let tools = [
            Tool.tar, Tool(name: "no-such-a", package: "package-a"), Tool(name: "no-such-b", package: "package-b"),
            Tool(name: "no-such-c", package: "package-b"),
        ]
        let error = #expect(throws: BuildError.self) { try Tool.require(tools) }
        #expect(error?.kind == .missingTool)
        #expect(error?.message.contains("no-such-a, no-such-b, no-such-c") == true)
        #expect(error?.remedy == "apt-get install package-a package-b")
    }

    @Test("case 52: megabytes of complaints, and the last one counts") func loud() async throws {
        let error = try await failure(
            "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'error: at last' >&2; exit 3"
        )
        #expect(error?.message == "tool failed: error: at last")
    }

    @Test("case 52: output that is no UTF-8") func binary() async throws {
        let error = try await failure("printf 'error: \\377\\376 odd\\n' >&2; exit 1")
        #expect(error?.message.contains("odd") == true)
    }

    @Test("case 52: a tool that a signal ends") func signalled() async throws {
        #expect(try await failure("kill -SEGV $$") != nil)
    }

    @Test func aFullDiskIsTold() async throws {
        let error = try await failure("echo 'x: write failed: No space left on device' >&2; exit 1")
        #expect(error?.kind == .diskFull)
    }

    @Test("case 52: output without end is bounded") func endless() async throws {
        let error = try await failure("head -c 70000000 /dev/zero")
        #expect(error?.message.contains("printed more than 64 MiB") == true, "\(error as Any)")
    }

    @Test("progress is told on standard error, too: mmdebstrap does") func watchesBothOutputs() async throws {
        let scratch = try Scratch("tool")
        let shell = Tool(name: "sh", package: "dash")
        var lines: [String] = []
        try await shell.watch(["-c", "echo out; echo err >&2; echo last"], log: scratch.file("log")) {
            lines.append($0)
        }
        #expect(lines == ["out", "err", "last"])
        let error = await #expect(throws: BuildError.self) {
            try await shell.watch(["-c", "echo out; echo 'error: why' >&2; exit 1"], log: scratch.file("log")) { _ in }
        }
        #expect(error?.message.contains("why") == true)
        #expect(String(decoding: try scratch.bytes("log"), as: UTF8.self).contains("why"))
    }

    @Test func whoReadsNothingFailsTheFeeder() async throws {
        // `true` takes nothing: the writer gets EPIPE, not a signal that would end this process.
        let tool = Tool(name: "true", package: "coreutils")
        await #expect(throws: (any Error).self) {
            try await tool.run([]) { pipe in
                let bytes = [UInt8](repeating: 0, count: 1 << 20)
                for _ in 0..<64 { try pipe.writeAll(bytes) }
            }
        }
    }

    @Test func environmentsDoNotShow() async throws {
        let scratch = try Scratch("tool")
        setenv("MUSTER_SECRET", "x", 1)
        let text = try await Tool.run(try script("env", in: scratch), [])
        #expect(!text.contains("MUSTER_SECRET"))
        #expect(text.contains("LC_ALL=C.UTF-8"))
    }
}
