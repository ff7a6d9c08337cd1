import AgentWire
import Glibc
import HostModel
import Logging
import SystemPackage
import Testing

@testable import Agent

/// Fence agents as programs; `fence_pretend` stands for one, because no BMC is here. It writes down what it was given.
@Suite struct FenceAgentsTests {
    private let folder = TemporaryDirectory()

    private func agents(exit code: Int) throws -> FenceAgents {
        let script = """
            #!/bin/sh
            cat >\(folder.directory.file("given.new")) && mv \(folder.directory.file("given.new")) \(folder.directory.file("given"))
            echo "the board says: \\033[31mred" >&2
            exit \(code)

            """
        let permissions: FilePermissions = [.ownerReadWriteExecute]
        try folder.directory.write(Array(script.utf8), to: "fence_pretend", permissions: permissions)
        return FenceAgents(folders: [folder.path], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func order(_ action: String, agent: String = "pretend") throws -> FenceOrder {
        let params: [String: JSONValue] = [
            "addr": .string("10.0.0.9"), "agent": .string(agent), "username": .string("u"),
            "password": .string("secret"),
            "action": .string(action),
        ]
        return try FenceOrder(params: .object(params))
    }

    @Test("the status is the agent's exit code", arguments: [(0, "on"), (2, "off"), (1, "unknown"), (127, "unknown")])
    func status(code: Int, power: String) async throws {
        let answer = try await agents(exit: code).answer(try Self.order("status"))
        #expect(answer == .object(["power": .string(power)]))
        let given = String(decoding: try folder.directory.read("given") ?? [], as: UTF8.self)
        #expect(given.contains("action=status\npasswd=secret\n"))
    }

    @Test("a change is begun, and answered at once") func initiated() async throws {
        mkfifo(folder.directory.file("given.new").string, 0o600)
        let answer = try await agents(exit: 0).answer(try Self.order("reboot"))
        #expect(answer == .object(["operationStatus": .string("initiated")]))
        // It runs: a reader of the pipe gets its lines.
        let reader = open(folder.directory.file("given.new").string, O_RDONLY)
        defer { close(reader) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(reader, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).contains("action=reboot\n"))
    }

    @Test("an agent that is not installed is VDSM's code 43, and says the package") func missing() async throws {
        let agents = try agents(exit: 0)
        let order = try Self.order("status", agent: "ipmilan")
        let error = await #expect(throws: RPCError.self) { _ = try await agents.answer(order) }
        #expect(error?.code == .unsupportedFenceAgent && error?.message.contains("package fence-agents") == true)
    }
}
