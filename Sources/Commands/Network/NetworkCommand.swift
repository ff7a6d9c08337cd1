import ArgumentParser
import EngineClient
import HostModel

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Networks of the data center.",
        subcommands: [
            NetworkList.self, NetworkAdd.self, NetworkUpdate.self, NetworkRemove.self, NetworkAttach.self,
            NetworkDetach.self,
        ]
    )
}

struct NetworkList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the networks.",
        aliases: ["ls"]
    )

    @Option(
        help: ArgumentHelp("Only those that this finds: name=san-*, vlanid=7, datacenter=east.", valueName: "search")
    )
    var search: String?

    @OptionGroup var watching: WatchOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.show(watching, output, { try await $0.networks(search: search) }, as: networkTable)
    }
}

/// `muster network list`.
func networkTable(_ networks: [NetworkResource]) -> Table {
    let rows = networks.map { network in
        [
            Cell(network.name), Cell(network.vlan?.id), Cell(network.mtu == "0" ? "1500 (default)" : network.mtu),
            Cell(network.usages.usage.joined(separator: ",")), Cell(network.label), Cell(network.data_center?.name),
            Cell(network.description),
        ]
    }
    return Table(
        header: ["NAME", "VLAN", "MTU", "USAGES", "LABEL", "DATA CENTER", "DESCRIPTION"],
        rows: rows,
        ifEmpty: "There are no networks."
    )
}
