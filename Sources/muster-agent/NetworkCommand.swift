import Agent
import ArgumentParser
import HostModel
import Logging
import SystemPackage

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Show the network as the kernel has it, and what a change of it would do.",
        subcommands: [NetworkShow.self, NetworkPlanCommand.self, NetworkApply.self, NetworkDriftCommand.self],
        defaultSubcommand: NetworkShow.self
    )
}

struct NetworkShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the network as the kernel has it, as JSON."
    )

    func run() async throws { print(try KernelNetworkReport.json()) }
}

/// Whose networks.
struct NetworkConfigurationOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Option(help: "Below it lie VDSM's running (staging/netconf) and persistent (persistence/netconf) networks.")
    var networkConfiguration = "/var/lib/vdsm"

    @Option(help: "Below it lie VDSM's hooks: before_network_setup, after_network_setup, after_network_setup_fail.")
    var hooks = "/usr/libexec/vdsm/hooks"

    var change: LocalNetworkChange {
        var settings = options.apply(node, networkConfiguration, user: 36, group: 36)
        settings.hooks = FilePath(hooks)
        return LocalNetworkChange(settings, logger: NodeOptions.logger("network"))
    }
}

/// Which change, and of which configuration.
struct NetworkChangeOptions: ParsableArguments {
    @OptionGroup var configuration: NetworkConfigurationOptions

    @Argument(help: "The parameters of setupNetworks as JSON: {networks, bondings, options}.")
    var file: String

    var change: LocalNetworkChange { configuration.change }
}

struct NetworkDriftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Show what in the kernel is not as the networks are configured, because somebody else changed it.",
        discussion: "Changes nothing. Ends with 1 when something differs. Asking for the networks again mends them."
    )

    @OptionGroup var networks: NetworkConfigurationOptions

    func run() async throws {
        guard let text = try await networks.change.drift() else { return }
        print(text, terminator: "")
        throw ExitCode(1)
    }
}

struct RestoreNetworksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore-networks",
        abstract: "Make the committed networks stand again, once after each start of the machine.",
        discussion: """
            Needs root. `apply` does the same when it starts. One network's failure is no other's: what can not be restored is \
            said, and the command ends with 70. A boot network that has begun is waited for; start it after `boot-network`.
            """
    )

    @OptionGroup var networks: NetworkConfigurationOptions

    @Flag(
        help:
            "Also when it was done since the start, and also in the place of networks that stand and are not committed."
    )
    var force = false

    func run() async throws {
        guard try await networks.change.restore(isForced: force).isEmpty else { throw ExitCode.software }
    }
}

struct NetworkPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print what a change would do, and what would take it back, without touching anything.",
        discussion: "Needs no root. Ends with 65 when the change is refused; the answer names the field at fault."
    )

    @OptionGroup var change: NetworkChangeOptions

    func run() async throws {
        do {
            print(try await change.change.plan(of: FilePath(change.file)), terminator: "")
        } catch let refusal as NetworkRefusal {
            throw ValidationError.refused(refusal)
        }
    }
}

struct NetworkApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make a change on the spot, as `apply` does for the engine, without waiting for its voice.",
        discussion: "Needs root. For a person at the host's own screen. A change that fails is taken back."
    )

    @OptionGroup var change: NetworkChangeOptions

    func run() async throws {
        try await change.change.apply(FilePath(change.file))
    }
}

extension ValidationError {
    /// Prints the refusal and gives the exit code of bad data (sysexits.h).
    fileprivate static func refused(_ refusal: NetworkRefusal) -> ExitCode {
        NodeOptions.logger("network").error(
            "refused with code \(refusal.code.rawValue): \(terminalEscaped("\(refusal)"))"
        )
        return ExitCode(65)
    }
}
