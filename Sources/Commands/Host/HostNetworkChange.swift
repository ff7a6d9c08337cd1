import ArgumentParser
import EngineClient
import HostModel

/// `muster host network HOST plan FILE`.
struct HostNetworkPlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a change of a host's networks would do, and what would take it back; nothing is changed.",
        usage: "muster host network <host> plan <file>"
    )

    @ParentCommand var parent: HostNetwork

    @Argument(help: "YAML or JSON: networks and bondings as VDSM has them (docs/node.md 9).", completion: .file())
    var file: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let change = try SettingsDocument.read(JSONValue.self, from: file)
        let plan = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.planNetworks(change, on: found.id)
        }
        output.show(plan, as: Lines(lines: plan))
    }
}

/// `muster host network HOST apply FILE`.
struct HostNetworkApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Change a host's networks. A change after which the host does not hear the engine is taken back.",
        usage: "muster host network <host> apply <file> [--commit]"
    )

    @ParentCommand var parent: HostNetwork

    @Argument(help: "YAML or JSON: networks and bondings as VDSM has them (docs/node.md 9).", completion: .file())
    var file: String

    @Flag(help: "Keep it for the host's next start; else `commit` does.")
    var commit = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let change = try SettingsDocument.read(JSONValue.self, from: file)
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            try await session.applyNetworks(change, on: found.id, commit: commit)
            let end = commit ? "kept" : "not kept for its next start yet: muster host network \(found.name) commit"
            output.show(found, as: Sentence(words: "the networks of \(found.name) are changed, and \(end)"))
        }
    }
}

/// `muster host network HOST commit`.
struct HostNetworkCommit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Keep a host's networks as they are for its next start.",
        usage: "muster host network <host> commit"
    )

    @ParentCommand var parent: HostNetwork
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            try await session.commitNetworks(of: found.id)
            output.show(found, as: Sentence(words: "the networks of \(found.name) are kept"))
        }
    }
}

/// `muster host network HOST sync`.
struct HostNetworkSync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Compare the networks of a host with those of the data center, attribute by attribute.",
        usage: "muster host network <host> sync [-o table|json|yaml]"
    )

    @ParentCommand var parent: HostNetwork
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let attachments = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.networkAttachments(of: found.id)
        }
        output.show(attachments, as: Self.table(attachments))
    }

    static func table(_ attachments: [NetworkAttachmentResource]) -> Table {
        let rows = attachments.map { attachment in
            let differences = attachment.reported_configurations.reported_configuration.filter { !$0.in_sync }
                .map { "\($0.name) is \($0.actual_value), not \($0.expected_value)" }
            return [
                Cell(attachment.network.name), Cell(attachment.host_nic?.name),
                Cell(attachment.in_sync ? "yes" : "no"), Cell(differences.joined(separator: "; ")),
            ]
        }
        return Table(
            header: ["NETWORK", "OVER", "IN SYNC", "DIFFERENCES"],
            rows: rows,
            ifEmpty: "The host carries no network of the data center."
        )
    }
}
