import ArgumentParser
import EngineClient
import HostModel

/// `muster host power HOST agent …`.
struct HostPowerAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "The fence agents of a host: how its boards are reached.",
        usage: "muster host power <host> agent list|add|update <id>|remove <id>",
        subcommands: [
            HostPowerAgentList.self, HostPowerAgentAdd.self, HostPowerAgentUpdate.self, HostPowerAgentRemove.self,
        ]
    )

    @ParentCommand var parent: HostPower
}

struct HostPowerAgentList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List them, without their passwords.",
        usage: "muster host power <host> agent list",
        aliases: ["ls"]
    )

    @ParentCommand var agent: HostPowerAgent
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let agents = try await options.withSession { session in
            try await session.fenceAgents(of: try await session.findHost(agent.parent.host).id)
        }
        output.show(agents, as: fenceAgentTable(agents))
    }
}

func fenceAgentTable(_ agents: [FenceAgentResource]) -> Table {
    Table(
        header: ["ORDER", "TYPE", "ADDRESS", "USER", "OPTIONS", "ID"],
        rows: agents.map { agent in
            let port = agent.port.map { ":\($0.value)" } ?? ""
            let options = (agent.options?.values ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let order = "\(agent.order?.value ?? 1)\(agent.concurrent == true ? " (concurrent)" : "")"
            return [
                Cell(order), Cell(agent.type), Cell((agent.address ?? "") + port), Cell(agent.username),
                Cell(options.joined(separator: " ")), Cell(agent.id),
            ]
        }
    )
}

/// What is said of a fence agent.
struct FenceAgentOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The fence agent without fence_: ipmilan, redfish, idrac, ilo5.", valueName: "type"))
    var type: String?

    @Option(help: "Name or IP address of the board.")
    var address: String?

    @Option(help: "The port on which it listens; 0 for the usual one.")
    var port: Int?

    @Option(help: "Who signs in there.")
    var username: String?

    @Option(help: "The file with the password; - is standard input.", completion: .file())
    var passwordFile: String?

    @Option(name: .customLong("option"), help: ArgumentHelp("Of the fence agent.", valueName: "name=value"))
    var agentOptions: [String] = []

    @Option(help: "1 to 99; the lowest is tried first.")
    var order: Int?

    @Flag(inversion: .prefixedNo, help: "One of several of the same order that feed the machine together.")
    var concurrent: Bool?

    func validate() throws {
        guard port.map({ (0...65535).contains($0) }) ?? true else { throw ValidationError("--port takes 0 to 65535.") }
        guard order.map({ (1...99).contains($0) }) ?? true else { throw ValidationError("--order takes 1 to 99.") }
    }

    func resource(password: String?) -> FenceAgentResource {
        var agent = FenceAgentResource()
        (agent.type, agent.address, agent.username) = (type, address, username)
        (agent.port, agent.order) = (port.map { WireNumber($0) }, order.map { WireNumber($0) })
        (agent.password, agent.concurrent) = (password, concurrent)
        if !agentOptions.isEmpty { agent.options = FenceAgentResource.Options(words: agentOptions) }
        return agent
    }
}

extension FenceAgentResource.Options {
    /// `name=value` each; one without a value is 1.
    init(words: [String]) {
        let pairs = words.map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : "1")
        }
        self.init(Dictionary(pairs) { _, last in last })
    }
}

struct HostPowerAgentAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add one. The first of a host enables its power management.",
        usage:
            "muster host power <host> agent add --type <type> --address <address> --username <user> [--password-file <file>]"
    )

    @ParentCommand var agent: HostPowerAgent
    @OptionGroup var settings: FenceAgentOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard settings.type != nil, settings.address != nil, settings.username != nil else {
            throw ValidationError("A fence agent has --type, --address and --username.")
        }
    }

    func run() async throws {
        let source = PasswordSource(file: settings.passwordFile)
        let password = try source.password(for: "\(settings.username ?? "") at \(settings.address ?? "")")
        try await options.withSession { session in
            let found = try await session.findHost(agent.parent.host)
            let added = try await session.addFenceAgent(settings.resource(password: password), to: found.id)
            output.show(added, as: Sentence(words: "\(found.name) is switched by fence_\(settings.type ?? "")"))
        }
    }
}

struct HostPowerAgentUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change one. Another type, address or port needs the password again.",
        usage: "muster host power <host> agent update <id> [--username <user>] [--password-file <file>] …"
    )

    @ParentCommand var agent: HostPowerAgent

    @Argument(help: "Its id, as agent list shows it.")
    var id: String

    @OptionGroup var settings: FenceAgentOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let password = try settings.passwordFile.map { file throws(UserError) in
            try PasswordSource(file: file).password(for: settings.username ?? "the fence agent")
        }
        try await options.withSession { session in
            let found = try await session.findHost(agent.parent.host)
            let changed = try await session.changeFenceAgent(id, settings.resource(password: password), of: found.id)
            output.show(changed, as: Sentence(words: "the fence agent of \(found.name) is changed"))
        }
    }
}

struct HostPowerAgentRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove one.",
        usage: "muster host power <host> agent remove <id>",
        aliases: ["rm"]
    )

    @ParentCommand var agent: HostPowerAgent

    @Argument(help: "Its id, as agent list shows it.")
    var id: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(agent.parent.host)
            try await session.removeFenceAgent(id, of: found.id)
            output.show(found, as: Sentence(words: "a fence agent of \(found.name) is removed"))
        }
    }
}
