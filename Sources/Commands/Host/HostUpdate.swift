import ArgumentParser
import EngineClient
import HostModel

struct HostUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a host's name, comment or cluster.",
        discussion: """
            A host goes to another cluster from maintenance only, or before it was approved. What is not named stays as it is.

              muster host update node-5a31 --name kvm-07 --comment "rack 4, top"
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: "Another name.")
    var name: String?

    @Option(help: "A note for people; empty takes it away.")
    var comment: String?

    @Option(help: "Another cluster.", completion: ClusterResource.completion)
    var cluster: String?

    @Option(
        help: ArgumentHelp("Rank as storage pool manager, -1 (never) to 10. Kept, not used yet.", valueName: "number")
    )
    var spmPriority: Int?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard name != nil || comment != nil || cluster != nil || spmPriority != nil else {
            throw ValidationError("Say what is to change: --name, --comment, --cluster or --spm-priority.")
        }
    }

    func run() async throws {
        var order = HostOrder()
        (order.name, order.comment) = (name, comment)
        order.cluster = cluster.map { WireReference(name: $0) }
        order.spm = spmPriority.map { HostOrder.StoragePoolManager(priority: $0) }
        try await options.withSession { [order] session in
            let found = try await session.findHost(host)
            let changed = try await session.updateHost(found.id, order)
            output.show(changed, as: Sentence(words: "the host \(changed.name) is changed"))
        }
    }
}
