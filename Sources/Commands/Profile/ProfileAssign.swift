import ArgumentParser
import EngineClient
import HostModel

/// The tag or the cluster that is meant.
struct BootScopeOptions: ParsableArguments {
    @Option(help: "Name of a tag.")
    var tag: String?

    @Option(help: "Name of a cluster.")
    var cluster: String?

    func validate() throws {
        guard (tag == nil) != (cluster == nil) else { throw ValidationError("Name a --tag or a --cluster.") }
    }

    var scope: (kind: BootAssignment.Scope, name: String) {
        tag.map { (.tag, $0) } ?? (.cluster, cluster ?? "")
    }
}

struct ProfileAssign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign",
        abstract: "Set what the hosts of a tag or a cluster boot.",
        discussion: """
            It counts for hosts that have no profile of their own (muster host boot). A tag counts before a cluster, and the \
            cluster before the profile default; of several tags of a host the first by name counts.
            """
    )

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @OptionGroup var place: BootScopeOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (kind, name) = place.scope
        try await options.withSession { try await $0.assignProfile(profile, to: kind, name) }
        output.show(
            BootAssignment(scope: kind, name: name, profile: profile),
            as: Sentence(
                words: "hosts of the \(kind.rawValue) \(name) boot \(profile), unless they have a profile of their own"
            )
        )
    }
}

struct ProfileUnassign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unassign",
        abstract: "Take the boot profile from a tag or a cluster."
    )

    @OptionGroup var place: BootScopeOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (kind, name) = place.scope
        let left = try await options.withSession { session in
            try await session.assignProfile(nil, to: kind, name)
            return try await session.bootAssignments()
        }
        output.show(left, as: Sentence(words: "the \(kind.rawValue) \(name) has no boot profile any more"))
    }
}

struct ProfileAssignments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assignments",
        abstract: "List the boot profiles of tags and clusters."
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let assignments = try await options.withSession { try await $0.bootAssignments() }
        output.show(assignments, as: bootAssignmentTable(assignments))
    }
}

/// `muster profile assignments`.
func bootAssignmentTable(_ assignments: [BootAssignment]) -> Table {
    Table(
        header: ["BY", "NAME", "PROFILE"],
        rows: assignments.map { [Cell($0.scope.rawValue), Cell($0.name), Cell($0.profile)] },
        ifEmpty: "No tag and no cluster has a boot profile: hosts without one of their own boot default."
    )
}
