import ArgumentParser
import EngineClient
import HostModel

struct NetworkAttach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Put a network on a nic or bond of hosts, or change how it stands there.",
        discussion: """
            The host makes the change, is heard by the engine afterwards, and keeps it for its next start; else it takes the \
            change back. What is not named stays as it is on the host; a network that is new there is, without --nic, a bridge \
            without ports, and has no address.

            With many hosts, by name, --cluster or --search, --parallel of them are changed at once; after the first failure no \
            more are begun. One table ends it, and the exit code is 1 when a host failed or was not begun. --dry-run asks each \
            host what it would do.
            """
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @OptionGroup var many: ManyHostsOptions

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
            var order = NetworkAttachmentOrder(network: network)
            (order.host_nic, order.address, order.gateway) = (nic == "none" ? "" : nic, address, gateway)
            order.default_route = defaultRoute
            guard let host = many.single else { return try await attachToMany(order, session) }
            let found = try await session.findHost(host)
            try await session.attachNetwork(order, to: found.id)
            output.show(found, as: Sentence(words: "\(found.name) carries \(network)"))
        }
    }

    func validate() throws {
        let isDynamic = ["dhcp", "none", nil].contains(address)
        guard isDynamic || many.hosts.count == 1 else {
            throw ValidationError("An address is one host's: with many hosts --address takes dhcp or none.")
        }
    }

    private func attachToMany(_ order: NetworkAttachmentOrder, _ session: EngineSession) async throws {
        let isDry = many.dryRun
        try await ManyHosts(session: session, options: many).run(output) { host in
            if isDry { return try await session.planAttachment(order, to: host.id) }
            try await session.attachNetwork(order, to: host.id)
            return nil
        }
    }
}

struct NetworkDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take a network from hosts.",
        discussion: """
            With many hosts, by name, --cluster or --search, --parallel of them are changed at once; after the first failure no \
            more are begun. One table ends it, and the exit code is 1 when a host failed or was not begun. --dry-run asks each \
            host what it would do.
            """
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @OptionGroup var many: ManyHostsOptions

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            guard let host = many.single else {
                let (network, isDry) = (network, many.dryRun)
                return try await ManyHosts(session: session, options: many).run(output) { host in
                    if isDry { return try await session.planDetachment(network, from: host.id) }
                    try await session.detachNetwork(network, from: host.id)
                    return nil
                }
            }
            let found = try await session.findHost(host)
            try await session.detachNetwork(network, from: found.id)
            output.show(found, as: Sentence(words: "\(found.name) carries \(network) no more"))
        }
    }
}
