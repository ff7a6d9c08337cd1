import AgentWire
import Glibc
import SystemPackage
import Testing

@testable import Agent

@Suite struct InstalledHooksTests {
    private let temporary = TemporaryDirectory()

    private func event() throws -> NodeDirectory {
        try temporary.directory("usr/libexec/vdsm/hooks/before_vm_start")
    }

    private func checksums(_ hooks: InstalledHooks) -> [String: String]? {
        hooks.report["before_vm_start"]?.mapValues(\.checksum)
    }

    @Test("a pipe is no hook, and nobody waits for it", .timeLimit(.minutes(1))) func pipe() throws {
        let event = try event()
        #expect(mkfifo(event.file("10_pipe").string, 0o777) == 0)
        try event.write("hello".utf8, to: "20_hello", permissions: [.ownerReadWriteExecute])
        #expect(checksums(InstalledHooks(root: temporary.path)) == ["20_hello": "5d41402abc4b2a76b9719d911017c592"])
    }

    @Test("all of a file counts; one that is too large has no checksum") func large() throws {
        let event = try event()
        let bytes = [UInt8](repeating: 120, count: 3 << 20)
        try event.write(bytes, to: "10_large", permissions: [.ownerReadWriteExecute])
        try event.write([], to: "20_huge", permissions: [.ownerReadWriteExecute])
        #expect(truncate(event.file("20_huge").string, 17 << 20) == 0)
        let hooks = InstalledHooks(root: temporary.path)
        let expected = ["10_large": "c1887f0c970afa48194adf7f5c504696", "20_huge": ""]
        #expect(checksums(hooks) == expected)
        #expect(checksums(hooks) == expected, "the kept ones")
    }

    @Test("a file that changed has its new checksum") func changed() throws {
        let (event, hooks) = (try event(), InstalledHooks(root: temporary.path))
        try event.write("jello".utf8, to: "10_a", permissions: [.ownerReadWriteExecute])
        let before = checksums(hooks)
        try event.write("hello".utf8, to: "10_a", permissions: [.ownerReadWriteExecute])
        #expect(
            before != nil && checksums(hooks) == ["10_a": "5d41402abc4b2a76b9719d911017c592"]
                && before != checksums(hooks)
        )
    }
}
