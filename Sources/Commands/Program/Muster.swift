import ArgumentParser

/// The root command.
struct Muster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster",
        abstract: "Turn machines into managed hosts.",
        discussion: discussion,
        subcommands: [
            Login.self, Logout.self, ContextCommand.self, HostCommand.self, NetworkCommand.self, DataCenterCommand.self,
            ClusterCommand.self,
            TagCommand.self, AffinityLabelCommand.self, MACPoolCommand.self, UserCommand.self, ApplyCommand.self,
            JobCommand.self,
            EventCommand.self,
            ImageCommand.self, ProfileCommand.self, BootCommand.self, SupportCommand.self, CompletionCommand.self,
        ]
    )

    private static var discussion: String {
        let codes = ExitStatus.allCases.map { status in
            let number = String(status.rawValue)
            return "  \(String(repeating: " ", count: 2 - number.count))\(number)  \(status.meaning)"
        }
        return """
            Begin with: muster login https://ENGINE

            Exit codes:
            \(codes.joined(separator: "\n"))

            Environment:
              MUSTER_CONFIG    the configuration file; else $XDG_CONFIG_HOME/muster/config.yaml
              MUSTER_CONTEXT   which of its engines; else the current one (muster context)
              NO_COLOR         no colours, also on a terminal
            """
    }
}
