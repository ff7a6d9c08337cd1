import ArgumentParser
import EngineClient
import HostModel

/// `muster host label HOST …`.
struct HostLabel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "The labels of a host's NICs: a NIC carries every network that has one of its labels.",
        usage: "muster host label <host> list|add <nic> <label>|remove <label>",
        subcommands: [HostLabelList.self, HostLabelAdd.self, HostLabelRemove.self]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String
}

struct HostLabelList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the labels.",
        usage: "muster host label <host> list [-o table|json|yaml]",
        aliases: ["ls"]
    )

    @ParentCommand var parent: HostLabel
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let labels = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.nicLabels(of: found.id)
        }
        let rows = labels.map { [Cell($0.id), Cell($0.host_nic?.text)] }
        output.show(labels, as: Table(header: ["LABEL", "NIC"], rows: rows, ifEmpty: "No NIC has a label."))
    }
}

struct HostLabelAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Give a NIC or bond a label, and with it every network that has it.",
        usage: "muster host label <host> add <nic> <label>",
        discussion: "A label that another NIC of the host has moves, with its networks."
    )

    @ParentCommand var parent: HostLabel

    @Argument(help: "The NIC or bond.")
    var nic: String

    @Argument(help: "Letters, digits, _ and -; 50 at most.")
    var label: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard NetworkLabel(label) != nil else {
            throw ValidationError("A label has 1 to \(NetworkLabel.lengthMax) letters, digits, _ and -.")
        }
    }

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            let order = SetupNetworksResource.committing {
                $0.modified_labels = NICLabelCollection([NICLabelResource(id: label, nic: nic)])
            }
            try await session.setupNetworks(order, on: found.id)
            output.show(found, as: Sentence(words: "\(nic) of \(found.name) has the label \(label)"))
        }
    }
}

struct HostLabelRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a label from its NIC, and its networks with it.",
        usage: "muster host label <host> remove <label>",
        aliases: ["rm"]
    )

    @ParentCommand var parent: HostLabel

    @Argument(help: "The label.")
    var label: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            let order = SetupNetworksResource.committing {
                $0.removed_labels = NICLabelCollection([NICLabelResource(id: label)])
            }
            try await session.setupNetworks(order, on: found.id)
            output.show(found, as: Sentence(words: "no NIC of \(found.name) has the label \(label)"))
        }
    }
}
