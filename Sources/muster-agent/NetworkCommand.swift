import Agent
import ArgumentParser
import HostModel
import Logging
import SystemPackage

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Show the network as the kernel has it, and what a change of it would do.",
        subcommands: [NetworkShow.self, NetworkPlanCommand.self, NetworkApply.self],
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

/// Which change, and of which configuration.
struct NetworkChangeOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Option(help: "Below it lie VDSM's running (staging/netconf) and persistent (persistence/netconf) networks.")
    var networkConfiguration = "/var/lib/vdsm"

    @Argument(help: "The parameters of setupNetworks as JSON: {networks, bondings, options}.")
    var file: String

    var change: LocalNetworkChange {
        let settings = options.apply(node, networkConfiguration, user: 36, group: 36)
        return LocalNetworkChange(settings, logger: NodeOptions.logger("network"))
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
