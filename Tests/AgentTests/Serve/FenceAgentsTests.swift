import AgentWire
import Fencing
import Glibc
import HostModel
import Logging
import NIOPosix
import SystemPackage
import Testing

@testable import Agent

/// Fence agents as programs; `fence_pretend` stands for one, because no BMC is here. It writes down what it was given.
@Suite struct FenceAgentsTests {
    private let folder = TemporaryDirectory()

    private func agents(
        _ script: String,
        until wait: @escaping FenceAgents.Wait = { try await Task.sleep(for: .seconds(86400)) }
    )
        throws -> FenceAgents
    {
        let permissions: FilePermissions = [.ownerReadWriteExecute]
        try folder.directory.write(Array("#!/bin/sh\n\(script)\n".utf8), to: "fence_pretend", permissions: permissions)
        return FenceAgents(
            folders: [folder.path],
            patience: wait,
            limit: wait,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func agents(exit code: Int) throws -> FenceAgents {
        let (new, given) = (folder.directory.file("given.new"), folder.directory.file("given"))
        return try agents(
            """
            cat >\(new) && mv \(new) \(given)
            printf 'login\\nthe board has no \\033[31msecret\\n\\n' >&2
            exit \(code)
            """
        )
    }

    /// Reads what comes through a pipe until its writer ends.
    private func heard(_ pipe: String) async throws -> String {
        let file = folder.directory.file(pipe).string
        // On a thread that may block.
        return try await NIOThreadPool.singleton.runIfActive {
            let reader = open(file, O_RDONLY)
            defer { close(reader) }
            var (bytes, all) = ([UInt8](repeating: 0, count: 4096), [UInt8]())
            while case let count = read(reader, &bytes, bytes.count), count > 0 { all += bytes.prefix(count) }
            return String(decoding: all, as: UTF8.self)
        }
    }

    private static func order(_ action: String, agent: String = "pretend") throws -> FenceOrder {
        let params: [String: JSONValue] = [
            "addr": .string("10.0.0.9"), "agent": .string(agent), "username": .string("u"),
            "password": .string("secret"),
            "action": .string(action),
        ]
        return try FenceOrder(params: .object(params))
    }

    @Test("the status is the agent's exit code", arguments: [(0, "on"), (2, "off")])
    func status(code: Int, power: String) async throws {
        let answer = try await agents(exit: code).answer(try Self.order("status"))
        #expect(answer == .object(["power": .string(power)]))
        let given = String(decoding: try folder.directory.read("given") ?? [], as: UTF8.self)
        #expect(given.contains("action=status\npasswd=secret\n"))
    }

    @Test(
        "an agent that fails is VDSM's code 1 with its last words, without the password",
        arguments: [("status", 1), ("status", 127), ("on", 1), ("off", 2), ("reboot", 1)]
    )
    func failure(action: String, code: Int) async throws {
        let (agents, order) = (try agents(exit: code), try Self.order(action))
        let error = await #expect(throws: RPCError.self) { _ = try await agents.answer(order) }
        #expect(error?.code == .fenceAgentFailed)
        #expect(
            error?.message == "fence_pretend \(action) failed: the board has no \\u{1b}[31m…",
            "\(error?.message ?? "")"
        )
    }

    @Test("a change that is done is begun; one that takes longer than the patience is, too") func initiated()
        async throws
    {
        let initiated = JSONValue.object(["operationStatus": .string("initiated")])
        #expect(try await agents(exit: 0).answer(try Self.order("reboot")) == initiated)
        mkfifo(folder.directory.file("order").string, 0o600)
        let (waits, end) = AsyncStream.makeStream(of: Void.self)
        end.finish()
        let agents = FenceAgents(
            folders: [folder.path],
            patience: { for await _ in waits {} },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try folder.directory.write(
            Array("#!/bin/sh\ncat >\(folder.directory.file("order"))\n".utf8),
            to: "fence_pretend",
            permissions: [.ownerReadWriteExecute]
        )
        #expect(try await agents.answer(try Self.order("off")) == initiated)
        // It runs on: a reader of the pipe gets its lines.
        #expect(try await heard("order").contains("action=off\n"))
    }

    @Test("an agent that says a lot is not ended for it") func talkative() async throws {
        let agents = try agents("cat >/dev/null; head -c 300000 /dev/zero | tr '\\0' x; echo; echo done; exit 2")
        #expect(try await agents.answer(try Self.order("status")) == .object(["power": .string("off")]))
    }

    @Test("at the limit an agent is told to end, and what it began with it") func limit() async throws {
        for pipe in ["ready", "ended"] { mkfifo(folder.directory.file(pipe).string, 0o600) }
        let (ready, ended) = (folder.directory.file("ready"), folder.directory.file("ended"))
        // The child ends by the signal too: the pipe's end comes when both have let go of it. It begins before the trap: until
        // it is `sleep` it would have the trap.
        let script = """
            cat >/dev/null
            exec 9>\(ended)
            sleep 1000 &
            trap 'echo logged out >&9; exit 1' TERM
            echo begun >\(ready)
            wait
            """
        let (waits, end) = AsyncStream.makeStream(of: Void.self)
        let agents = try agents(script, until: { for await _ in waits {} })
        let order = try Self.order("status")
        async let answer = agents.answer(order)
        async let words = heard("ended")
        #expect(try await heard("ready") == "begun\n")
        end.finish()
        #expect(try await words == "logged out\n")
        do {
            _ = try await answer
            Issue.record("an agent that was ended has no answer")
        } catch { #expect((error as? RPCError)?.code == .fenceAgentFailed, "\(error)") }
    }

    @Test("an agent that is not installed is VDSM's code 43, and says the package") func missing() async throws {
        let agents = try agents(exit: 0)
        let order = try Self.order("status", agent: "redfish")
        let error = await #expect(throws: RPCError.self) { _ = try await agents.answer(order) }
        #expect(error?.code == .unsupportedFenceAgent && error?.message.contains("package fence-agents") == true)
    }
}
