import ArgumentParser
import EngineClient
import HostModel

/// `muster cluster network CLUSTER …`.
struct ClusterNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "The networks of a cluster, and what its hosts need of each.",
        usage: "muster cluster network <cluster> list|add <network>|update <network>|remove <network>|sync",
        discussion: """
            A network is in every cluster of its data center until it is taken out of one. `muster network update` changes in all \
            clusters that had the same what `update` here changes in one.
            """,
        subcommands: [
            ClusterNetworkList.self, ClusterNetworkAdd.self, ClusterNetworkUpdate.self, ClusterNetworkRemove.self,
            ClusterNetworkSync.self,
        ]
    )

    @Argument(help: "Name or id of the cluster.", completion: ClusterResource.completion)
    var cluster: String
}

struct ClusterNetworkList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the networks that the cluster has.",
        usage: "muster cluster network <cluster> list [-o table|json|yaml]",
        aliases: ["ls"]
    )

    @ParentCommand var parent: ClusterNetwork
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let found = try await options.withSession { session in
            try await session.networks(ofCluster: try await session.find(ClusterResource.self, parent.cluster).id)
        }
        let rows = found.map { network in
            [
                Cell(network.name), Cell(network.required == true ? "yes" : "no"), Cell(network.vlan?.id),
                Cell(network.usages.usage.joined(separator: ",")), Cell(network.label), Cell(network.description),
            ]
        }
        let header = ["NAME", "REQUIRED", "VLAN", "USAGES", "LABEL", "DESCRIPTION"]
        output.show(found, as: Table(header: header, rows: rows))
    }
}

/// What hosts of a cluster need of a network.
struct ClusterNetworkFlags: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "A host that does not carry it is not operational.")
    var required: Bool?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("What it is used for: default_route, display, migration, or none.", valueName: "use")
    )
    var usage: [String] = []

    func order(of network: NetworkResource) -> ClusterNetworkOrder {
        var order = ClusterNetworkOrder()
        (order.id, order.required) = (network.id, required)
        if !usage.isEmpty { order.usages = .init(usage: usage == ["none"] ? [] : usage) }
        return order
    }
}

struct ClusterNetworkAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Put a network that was taken out back into the cluster.",
        usage: "muster cluster network <cluster> add <network> [--required] [--usage <use> …]",
        discussion: "It goes on the nics of the cluster's hosts that have its label."
    )

    @ParentCommand var parent: ClusterNetwork
    @Argument(help: "Name or id of the network.")
    var network: String
    @OptionGroup var flags: ClusterNetworkFlags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let (cluster, network) = try await session.find(network, inCluster: parent.cluster)
            var order = flags.order(of: network)
            // oVirt's API means the other; a person who says nothing takes no host out of service.
            order.required = flags.required ?? false
            let made = try await session.addNetwork(order, toCluster: cluster.id)
            output.show(made, as: Sentence(words: "the cluster \(cluster.name) has the network \(made.name)"))
        }
    }
}

struct ClusterNetworkUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change what the cluster's hosts need of a network.",
        usage: "muster cluster network <cluster> update <network> [--[no-]required] [--usage <use> …]"
    )

    @ParentCommand var parent: ClusterNetwork
    @Argument(help: "Name or id of the network.")
    var network: String
    @OptionGroup var flags: ClusterNetworkFlags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let (cluster, network) = try await session.find(network, inCluster: parent.cluster)
            let order = flags.order(of: network)
            let changed = try await session.updateNetwork(network.id, ofCluster: cluster.id, order)
            let words = "the network \(changed.name) is changed in the cluster \(cluster.name)"
            output.show(changed, as: Sentence(words: words))
        }
    }
}

struct ClusterNetworkRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a network out of the cluster.",
        usage: "muster cluster network <cluster> remove <network>",
        discussion: """
            It leaves the nics that carry it for its label. Another host that carries it goes on carrying it, and it is \
            unmanaged there: detach it first.
            """,
        aliases: ["rm"]
    )

    @ParentCommand var parent: ClusterNetwork
    @Argument(help: "Name or id of the network.")
    var network: String
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let (cluster, network) = try await session.find(network, inCluster: parent.cluster)
            try await session.removeNetwork(network.id, fromCluster: cluster.id)
            let words = "the cluster \(cluster.name) does not have the network \(network.name) any more"
            output.show(network, as: Sentence(words: words))
        }
    }
}

struct ClusterNetworkSync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Make anew, on every host that is up, what differs from the cluster's networks.",
        usage: "muster cluster network <cluster> sync"
    )

    @ParentCommand var parent: ClusterNetwork
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let cluster = try await session.find(ClusterResource.self, parent.cluster)
            try await session.synchronizeNetworks(ofCluster: cluster.id)
            output.show(cluster, as: Sentence(words: "the hosts of \(cluster.name) that are up are in sync"))
        }
    }
}

extension EngineSession {
    /// The cluster, and the network of this name or id in its data center, of whichever cluster that is.
    fileprivate func find(
        _ text: String,
        inCluster cluster: String
    ) async throws -> (ClusterResource, NetworkResource) {
        let cluster = try await find(ClusterResource.self, cluster)
        let networks = try await networks().filter { network in
            network.id == text.lowercased()
                || (network.name == text && network.data_center?.id == cluster.data_center.id)
        }
        if let found = networks.first { return (cluster, found) }
        throw UserError(
            .badData,
            "the data center of \(cluster.name) has no network \(terminalEscaped(text))",
            remedy: "muster network list"
        )
    }
}
