import AgentWire
import Glibc
import HostModel
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

    @Test("a program that fails, and a file that is a link, are left out") func refused() async throws {
        try program("dmesg", "echo no; exit 1")
        try folder.directory.write("secret\n".utf8, to: "shadow")
        let link = folder.directory.file("agent.log").string
        #expect(symlink(folder.directory.file("shadow").string, link) == 0)
        #expect(await logs.read(lines: 3).logs == [])
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
