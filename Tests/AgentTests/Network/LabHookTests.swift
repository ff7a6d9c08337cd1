import AgentWire
import HostModel
import NIOCore
import SystemPackage
import Testing

@testable import Agent

/// hooks of the acceptance list.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabHookTests {
    private func hook(_ host: LabHost, _ event: String, _ text: String, isSafe: Bool = true) throws {
        let directory = NodeDirectory(host.settings.hooks.appending(event))
        try directory.make()
        var permissions: FilePermissions = [.ownerReadWriteExecute, .groupReadExecute]
        if !isSafe { permissions.insert(.otherWrite) }
        try directory.write(Array("#!/bin/sh\n\(text)\n".utf8), to: "50_test", permissions: permissions)
    }

    private func cookie(_ host: LabHost) -> FilePath { host.temporary.directory.file("cookie") }

    @Test("hooks: one before the change makes the network bridged; one after it gets the call as it was made")
    func edits() async throws {
        let host = try await LabHost()
        try hook(host, "before_network_setup", #"sed -i 's/"bridged": "false"/"bridged": "true"/' "$_hook_json""#)
        try hook(host, "after_network_setup", #"cp "$_hook_json" \#(cookie(host))"#)
        try await host.setup(#""net": {"nic": "eth0", "bridged": false}"#)
        #expect(try await Judge.now().master("eth0") == "net")
        let bytes = try #require(try readFile(cookie(host)))
        let call = try JSONText.decode(JSONValue.self, from: ByteBuffer(bytes: bytes))
        #expect(call["request"]?["networks"]?["net"]?["bridged"] == "true")
        #expect(call["request"]?["bondings"] == .object([:]) && call["request"]?["options"] != nil)
    }

    @Test("hooks: one that fails before the change prevents it; what it does to the call is judged too")
    func refuses() async throws {
        let host = try await LabHost()
        try hook(host, "before_network_setup", "echo not today >&2; exit 1")
        #expect(try await host.code(#""net": {"nic": "eth0"}"#) == 1500)
        try hook(host, "before_network_setup", #"sed -i 's/eth0/nope/' "$_hook_json""#)
        #expect(try await host.code(#""net": {"nic": "eth0"}"#) == 23)
        try hook(host, "before_network_setup", "exit 1", isSafe: false)
        try await host.setup(#""net": {"nic": "eth0"}"#)
    }

    @Test("hooks: a change that fails is told to those that wait for that, and theirs to nobody")
    func fails() async throws {
        let host = try await LabHost()
        try hook(host, "after_network_setup_fail", #"cp "$_hook_json" \#(cookie(host)); exit 1"#)
        let check = #""connectivityCheck": 1, "connectivityTimeout": 0"#
        #expect(try await host.code(#""net": {"nic": "eth0"}"#, options: check) == 10)
        #expect(try readFile(cookie(host)) != nil)
        try hook(host, "after_network_setup", "exit 1")
        try await host.setup(#""net": {"nic": "eth0"}"#)
    }
}
