import AgentWire
import Glibc
import HostModel
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@testable import Agent

/// The ends of logs, of files and programs that a test makes.
@Suite struct HostLogsTests {
    private let folder = TemporaryDirectory()

    private func program(_ name: String, _ script: String) throws {
        let text = "#!/bin/sh\n" + script + "\n"
        try folder.directory.write(Array(text.utf8), to: name, permissions: [.ownerReadWriteExecute])
    }

    private var logs: HostLogs {
        HostLogs(
            agent: folder.directory.file("agent.log"),
            systemd: folder.directory.file("systemd"),
            folders: [folder.path]
        )
    }

    @Test("a host without anything has no logs") func nothing() async { #expect(await logs.read(lines: 10).logs == []) }

    @Test("the agent's file with the one before it, the journal where systemd runs, the kernel's ring")
    func everything() async throws {
        try folder.directory.write("one\ntwo\n".utf8, to: "agent.log.1")
        try folder.directory.write("three\n\nfour\n".utf8, to: "agent.log")
        try program("journalctl", #"echo "asked $*""#)
        try program("dmesg", "seq 1 100; exit 0")
        #expect(await logs.read(lines: 3).logs.map(\.name) == ["agent", "kernel"])
        try folder.directory.write([], to: "systemd")
        let read = await logs.read(lines: 3).logs
        #expect(read.map(\.name) == ["agent", "journal", "kernel"])
        #expect(read[0].lines == ["two", "three", "four"])
        #expect(read[1].lines == ["asked --no-pager --boot --output=short-iso --lines=3"])
        #expect(read[2].lines == ["98", "99", "100"])
    }

    @Test("a program that fails says so in its log; a file that is a link is left out") func refused() async throws {
        try program("dmesg", "echo no; exit 3")
        try folder.directory.write("secret\n".utf8, to: "shadow")
        let link = folder.directory.file("agent.log").string
        #expect(symlink(folder.directory.file("shadow").string, link) == 0)
        let read = await logs.read(lines: 3).logs
        #expect(read.map(\.name) == ["kernel"])
        #expect(read[0].lines.count == 2 && read[0].lines[0] == "no")
        #expect(read[0].lines[1].hasPrefix("(dmesg ended with ") && read[0].lines[1].contains("3"), "\(read)")
    }

    @Test("a program that does not end says so in its log") func endless() async throws {
        mkfifo(folder.directory.file("begun").string, 0o600)
        try program("dmesg", "echo one; echo >\(folder.directory.file("begun")); exec sleep 1000")
        var limited = logs
        limited.limit = { [file = folder.directory.file("begun").string] in
            try await NIOThreadPool.singleton.runIfActive {
                // Opened when the program writes to it.
                let reader = open(file, O_RDONLY)
                var byte: UInt8 = 0
                _ = Glibc.read(reader, &byte, 1)
                close(reader)
            }
        }
        let read = await limited.read(lines: 3).logs
        #expect(read.first?.lines.last?.hasPrefix("(dmesg did not end in time") == true, "\(read)")
    }

    @Test("of a log that is larger than what is kept comes the end; CRLF ends a line") func large() async throws {
        try program("dmesg", #"yes 0123456789abcdef | head -c 20000000; printf '\nx\r\ny\r\n\r\nz'"#)
        let read = await logs.read(lines: 4).logs
        #expect(read.first?.lines.suffix(3) == ["x", "y", "z"], "\(read)")
        try program("dmesg", "yes 0123456789abcdef | head -c 17000000")
        let whole = await logs.read(lines: 2000).logs.first?.lines ?? []
        #expect(whole.count == 2000 && whole.allSatisfy { $0 == "0123456789abcdef" })
    }

    @Test("all logs together fit into the answer: of the long ones the oldest lines leave") func fit() throws {
        let bad = String(repeating: "\u{1}", count: HostLog.lineBytesMax)
        let many = (0..<HostLog.linesMax).map { "\($0) \(bad)" }
        let logs = [
            HostLog("agent", lines: ["short"]), HostLog("journal", lines: many), HostLog("kernel", lines: many),
        ]
        let fitting = HostLogs.fit(logs)
        #expect(fitting.map(\.name) == ["agent", "journal", "kernel"])
        #expect(fitting[0] == logs[0])
        #expect(fitting[1].lines.last == logs[1].lines.last && fitting[1].lines.count == fitting[2].lines.count)
        let bytes = try JSONText.encode(try NodeLogs(fitting).result()).readableBytes
        #expect((1_400_000...HostLogs.encodedBytesMax + 200).contains(bytes), "\(bytes)")
    }

    @Test("while one reads the logs, the next gets code 40") func oneReading() async {
        let readings = Slots(1)
        #expect(readings.take())
        let error = await #expect(throws: RPCError.self) { _ = try await ApplyServer.logs(1, readings) }
        #expect(error?.code == .resourceUnavailable)
    }

    @Test("secrets of the kernel's command line do not leave the host with its log")
    func secrets() async throws {
        let line = "[0.0] Command line: root=/dev/sda  adminpw=$6$salt$hash quiet"
        try program("dmesg", "cat \(folder.directory.file("ring"))")
        try folder.directory.write("\(line)\nUnknown parameters \"adminpw=geheim\", a=b\n".utf8, to: "ring")
        let lines = await logs.read(lines: 5).logs.last?.lines
        #expect(lines?.first == "[0.0] Command line: root=/dev/sda  adminpw=… quiet")
        #expect(lines?.count == 2 && lines?[1].contains("geheim") == false && lines?[1].hasSuffix(" a=b") == true)
    }

    @Test("how many lines", arguments: [(.null, 200), (.integer(1), 1), (.integer(2000), 2000)] as [(JSONValue, Int)])
    func counts(value: JSONValue, lines: Int) throws {
        #expect(try NodeLogs.lines(.object(["lines": value])) == lines)
    }

    @Test(
        "what is no number of lines is refused",
        arguments: [.integer(0), .integer(2001), .string("7")] as [JSONValue]
    )
    func refusals(value: JSONValue) {
        #expect(throws: RPCError.self) { try NodeLogs.lines(.object(["lines": value])) }
    }
}
