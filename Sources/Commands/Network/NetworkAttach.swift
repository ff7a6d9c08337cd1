import ArgumentParser
import EngineClient
import HostModel

struct NetworkAttach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Put a network on a nic or bond of a host, or change how it stands there.",
        discussion: """
            The host makes the change, is heard by the engine afterwards, and keeps it for its next start; else it takes the \
            change back. What is not named stays as it is on the host; a network that is new there is, without --nic, a bridge \
            without ports, and has no address.
            """
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: ArgumentHelp("The nic or bond of the host; none for a bridge without ports.", valueName: "nic|none"))
    var nic: String?

    @Option(help: ArgumentHelp("The host's address in it.", valueName: "dhcp|none|ADDRESS/LENGTH"))
    var address: String?

    @Option(help: ArgumentHelp("The way out of the address's subnet.", valueName: "address|none"))
    var gateway: String?

    @Flag(inversion: .prefixedNo, help: "The host's default route goes by it.")
    var defaultRoute: Bool?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            var order = NetworkAttachmentOrder(network: network)
            (order.host_nic, order.address, order.gateway) = (nic == "none" ? "" : nic, address, gateway)
            order.default_route = defaultRoute
            try await session.attachNetwork(order, to: found.id)
            output.show(found, as: Sentence(words: "\(found.name) carries \(network)"))
        }
    }
}

struct NetworkDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take a network from a host."
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.detachNetwork(network, from: found.id)
            output.show(found, as: Sentence(words: "\(found.name) carries \(network) no more"))
        }
    }
}
