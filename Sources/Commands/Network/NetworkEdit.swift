import ArgumentParser
import EngineClient
import HostModel

/// What a network of the data center is.
struct NetworkFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The tag, 0 to 4094, or none.", valueName: "id|none"))
    var vlan: String?

    @Option(help: ArgumentHelp("Octets, or 0 for the default (1500).", valueName: "octets"))
    var mtu: Int?

    @Option(help: "A sentence for people.")
    var description: String?

    @Flag(inversion: .prefixedNo, help: "A bridge on every host, for guests.")
    var vm: Bool?

    @Flag(inversion: .prefixedNo, help: "A host that does not carry it is not operational.")
    var required: Bool?

    @Option(help: ArgumentHelp("Every nic of a host that has this label carries it.", valueName: "label|none"))
    var label: String?

    func order(name: String?, usages: [String]) -> NetworkOrder {
        var order = NetworkOrder()
        order.label = label.map { $0 == "none" ? "" : $0 }
        (order.name, order.description, order.required) = (name, description, required)
        order.mtu = mtu.map(String.init)
        order.vlan = vlan.map { NetworkResource.VLAN(id: $0 == "none" ? "" : $0) }
        if let vm {
            order.usages = .init(usage: usages.filter { $0 != "vm" } + (vm ? ["vm"] : []))
        }
        return order
    }
}

struct NetworkAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Make a network in the data center.",
        discussion: "Hosts do not carry it before it is attached: `muster network attach NETWORK HOST --nic NIC`."
    )

    @Argument(help: "Its name, and that of its bridge: 1 to 15 characters.")
    var name: String

    @Option(
        name: .customLong("datacenter"),
        help: "Its data center; the default one where it is left out.",
        completion: DataCenterResource.completion
    )
    var dataCenter: String?

    @OptionGroup var flags: NetworkFlags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var order = flags.order(name: name, usages: [])
        order.data_center = dataCenter.map { WireReference(name: $0) }
        let made = try await options.withSession { [order] in try await $0.addNetwork(order) }
        output.show(made, as: Sentence(words: "the network \(made.name) is added"))
    }
}

struct NetworkUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a network of the data center.",
        discussion: "Hosts that carry it are out of sync until it is attached to them again."
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @Option(help: "Another name.")
    var name: String?

    @OptionGroup var flags: NetworkFlags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findNetwork(network)
            let order = flags.order(name: name, usages: found.usages.usage)
            let changed = try await session.updateNetwork(found.id, order)
            output.show(changed, as: Sentence(words: "the network \(changed.name) is changed"))
        }
    }
}

struct NetworkRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a network from the data center.",
        discussion: "Hosts that carry it go on carrying it: detach it there first.",
        aliases: ["rm"]
    )

    @Argument(help: "Name or id of the network.")
    var network: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findNetwork(network)
            try await session.removeNetwork(found.id)
            output.show(found, as: Sentence(words: "the network \(found.name) is removed"))
        }
    }
}

extension EngineSession {
    /// The network of this name or id.
    func findNetwork(_ text: String) async throws -> NetworkResource {
        let networks = try await networks().filter { $0.name == text || $0.id == text.lowercased() }
        if networks.count == 1 { return networks[0] }
        if networks.count > 1 {
            let ids = networks.map { "\($0.id) (\($0.data_center?.name ?? ""))" }.joined(separator: ", ")
            throw UserError(
                .badData,
                "\(networks.count) data centers have a network \(terminalEscaped(text))",
                remedy: "say which by its id: \(terminalEscaped(ids))"
            )
        }
        throw UserError(
            .badData,
            "no network has the name or id \(terminalEscaped(text))",
            remedy: "muster network list"
        )
    }
}
