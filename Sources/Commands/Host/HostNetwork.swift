import ArgumentParser
import EngineClient
import HostModel

/// `muster host network HOST …`.
struct HostNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "The networks of one host.",
        usage: "muster host network <host> show|sync|plan <file>|apply <file>|commit",
        subcommands: [
            HostNetworkShow.self, HostNetworkSync.self, HostNetworkPlan.self, HostNetworkApply.self,
            HostNetworkCommit.self,
        ]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String
}

struct HostNetworkShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show networks, bridges, NICs, bonds and VLANs as the host's agent reports them.",
        usage: "muster host network <host> show [-o table|json|yaml]"
    )

    @ParentCommand var parent: HostNetwork
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reported = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.capabilities(of: found.id, as: ReportedNetworks.self)
        }
        output.show(reported, as: reported.layout)
    }
}
