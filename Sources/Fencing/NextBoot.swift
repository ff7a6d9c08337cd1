package import AgentWire
import Glibc
import HostModel
import NIOCore
import Subprocess
import SystemPackage

// The next boot from the network, where a board can be told so: by IPMI and by Redfish.

extension FenceAgents {
    /// True where `bootFromNetwork` knows how, by the name of the fence agent.
    package static func canBootFromNetwork(_ agent: String) -> Bool {
        agent == redfish || FenceCommand.ipmiAgents.contains(agent)
    }

    private static let redfish = "redfish"

    /// Tells the board that the machine's next boot is from the network; the boots after it are as ever. IPMI forgets it after
    /// a minute, so this comes right before the machine is switched on.
    package func bootFromNetwork(_ order: FenceOrder) async throws(RPCError) {
        if FenceCommand.ipmiAgents.contains(order.agent) {
            _ = try await say(FenceCommand(ipmi: order, ["chassis", "bootdev", "pxe"]), order)
            return
        }
        guard order.agent == Self.redfish else {
            throw RPCError(.unsupportedFenceAgent, "fence_\(order.agent) can not choose what a machine boots from")
        }
        let call = RedfishCall(order)
        let system: String
        if let named = order.options["systems_uri"], named.hasPrefix("/redfish/v1/Systems/") {
            system = named
        } else {
            system = try Self.lastSystem(try await say(call.get(call.systems), order))
        }
        _ = try await say(call.bootFromNetwork(system), order)
    }

    /// What a program says when all went well.
    private func say(_ command: FenceCommand, _ order: FenceOrder) async throws(RPCError) -> String {
        let program = try program(of: command)
        guard slots.take() else { throw tooMany }
        defer { slots.give() }
        let said = await withTaskGroup(of: Result<String, FenceFault>.self) { group in
            group.addTask { await Self.listen(program, command) }
            group.addTask { [patience] in
                try? await patience()
                return .failure(FenceFault(words: "it did not end in time, and was ended"))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(FenceFault(words: ""))
        }
        switch said {
        case .success(let text): return text
        case .failure(let fault):
            let words = terminalEscaped(order.redacted(fault.words).prefix(Self.shownMax))
            throw RPCError(.fenceAgentFailed, "The next boot from the network could not be set: \(words)")
        }
    }

    private struct FenceFault: Error { var words: String }

    private static let answerBytesMax = 1 << 16

    private static func listen(_ program: FilePath, _ command: FenceCommand) async -> Result<String, FenceFault> {
        do {
            var options = PlatformOptions()
            options.processGroupID = 0
            options.teardownSequence = [
                .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: farewell)
            ]
            let result = try await Subprocess.run(
                .path(program),
                arguments: Arguments(command.arguments),
                platformOptions: options,
                input: .string(command.input),
                output: .string(limit: answerBytesMax),
                error: .string(limit: answerBytesMax)
            )
            if case .exited(0) = result.terminationStatus { return .success(result.standardOutput) }
            let lines = result.standardError.split(whereSeparator: \.isNewline)
            return .failure(FenceFault(words: lines.last.map(String.init) ?? "\(command.program) failed"))
        } catch {
            return .failure(FenceFault(words: "\(error)"))
        }
    }

    /// fence_redfish takes the last one, too.
    private static func lastSystem(_ answer: String) throws(RPCError) -> String {
        let list = try? JSONText.decode(JSONValue.self, from: ByteBuffer(string: answer))
        guard case .array(let members)? = list?["Members"], let system = members.last?["@odata.id"]?.string,
            system.hasPrefix("/"), FenceOrder.isWord(system)
        else { throw RPCError(.fenceAgentFailed, "the board's list of systems can not be read") }
        return system
    }
}

/// curl's configuration for one call to a Redfish service, which curl reads from its standard input: so the password is on no
/// command line.
struct RedfishCall {
    private let order: FenceOrder

    /// Seconds of one call, and bytes of its answer.
    private static let (seconds, bytesMax) = (30, 1 << 16)

    init(_ order: FenceOrder) { self.order = order }

    var systems: String {
        let root = order.options["redfish_uri"] ?? "/redfish/v1"
        return order.options["systems_uri"] ?? "\(root)/Systems"
    }

    func get(_ path: String) -> FenceCommand { command(path, []) }

    func bootFromNetwork(_ system: String) -> FenceCommand {
        let body = #"{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}"#
        return command(
            system,
            ["request = PATCH", "header = \(quoted("Content-Type: application/json"))", "data = \(quoted(body))"]
        )
    }

    private func command(_ path: String, _ lines: [String]) -> FenceCommand {
        let isInsecure = order.options["ssl_insecure"].map { !["0", "no", "false"].contains($0) } ?? false
        let port = order.options["ipport"].map { ":\($0)" } ?? ""
        let config =
            [
                "url = \(quoted("https://\(order.address)\(port)\(path)"))",
                "user = \(quoted("\(order.login):\(order.password)"))", "silent", "show-error", "fail", "globoff",
                "noproxy = \"*\"", "max-time = \(Self.seconds)", "max-filesize = \(Self.bytesMax)",
            ] + (isInsecure ? ["insecure"] : []) + lines
        return FenceCommand(
            program: "curl",
            arguments: ["--disable", "--config", "-"],
            input: config.joined(separator: "\n") + "\n",
            package: "curl"
        )
    }

    private func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
