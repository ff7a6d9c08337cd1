import ArgumentParser
import EngineClient
import HostModel

/// `muster host bond HOST …`.
struct HostBond: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bond",
        abstract: "The bonds of one host.",
        usage: "muster host bond <host> show|create <bond> <nic> <nic>…|remove <bond>",
        subcommands: [HostBondShow.self, HostBondCreate.self, HostBondRemove.self]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String
}

struct HostBondShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the bonds as the host's agent reports them.",
        usage: "muster host bond <host> show [-o table|json|yaml]"
    )

    @ParentCommand var parent: HostBond
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reported = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.capabilities(of: found.id, as: ReportedNetworks.self)
        }
        output.show(reported.bondings ?? .object([:]), as: reported.bondTable)
    }
}

struct HostBondCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a bond of NICs, or change one.",
        usage: "muster host bond <host> create <bond> <nic>… [--mode <mode>] [--option <name>=<value>]…",
        discussion: """
            The host makes the change, is heard by the engine afterwards, and keeps it for its next start; else it takes the \
            change back. A bond that is there gets these NICs and, with --mode or --option, these options instead of its own.
            """,
        aliases: ["update"]
    )

    @ParentCommand var parent: HostBond

    @Argument(help: "Its name: bond0, bond_storage.")
    var bond: String

    @Argument(help: "The NICs.")
    var nics: [String]

    @Option(help: "0 to 6, or balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb.")
    var mode: String?

    @Option(name: .customLong("option"), help: ArgumentHelp("Of the kernel's driver.", valueName: "name=value"))
    var bondOptions: [String] = []

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard WantedBond.isName(bond) else {
            throw ValidationError("A bond is named bond and something behind it, as in bond0.")
        }
        if let mode, BondMode(mode) == nil { throw ValidationError("\(mode) is no mode of a bond.") }
        guard bondOptions.allSatisfy({ $0.contains("=") }) else {
            throw ValidationError("Give --option as name=value, as in miimon=100.")
        }
    }

    /// The whole order.
    var order: SetupNetworksResource {
        let words = (mode.map { ["mode=\($0)"] } ?? []) + bondOptions
        let given = words.map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return HostNICResource.Option(name: parts[0], value: parts[1])
        }
        let bonding = HostNICResource.Bonding(
            options: given.isEmpty ? nil : .init(given),
            slaves: .init(nics.map { WireReference(name: $0) })
        )
        return .committing { $0.modified_bonds = .init([HostNICResource(name: bond, bonding: bonding)]) }
    }

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            try await session.setupNetworks(order, on: found.id)
            let words = "\(bond) of \(found.name) stands over \(nics.joined(separator: ", "))"
            output.show(found, as: Sentence(words: words))
        }
    }
}

struct HostBondRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a bond apart. No network may stand on it.",
        usage: "muster host bond <host> remove <bond>",
        aliases: ["rm"]
    )

    @ParentCommand var parent: HostBond

    @Argument(help: "Its name.")
    var bond: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            let order = SetupNetworksResource.committing { $0.removed_bonds = .init([HostNICResource(name: bond)]) }
            try await session.setupNetworks(order, on: found.id)
            output.show(found, as: Sentence(words: "\(bond) of \(found.name) is removed"))
        }
    }
}
