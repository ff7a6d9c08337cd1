import ArgumentParser
import EngineClient
import HostModel

struct ProfileVersions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "List what a boot profile was, the newest first.",
        discussion: "Every change makes a version; the newest 50 are kept. The first line is what machines boot."
    )

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let versions = try await options.withSession { try await $0.profileVersions(profile) }
        output.show(versions, as: profileVersionTable(versions, .current))
    }
}

struct ProfileRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Make a boot profile again what it was.",
        discussion: """
            Without --to it is what it was before its last change. The rollback is a version of its own, so that it can be \
            rolled back too.
            """
    )

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @Option(help: "Number of the version (muster profile versions).")
    var to: Int?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            try await session.rollBackProfile(profile, to: to)
            let now = try await session.profile(profile)
            let was = to.map { "as version \($0)" } ?? "before its last change"
            output.show(now, as: Sentence(words: "the boot profile \(now.name) is what it was \(was)"))
        }
    }
}

struct ProfileRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a boot profile that no host, tag or cluster uses, with its versions.",
        aliases: ["rm"]
    )

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let gone = try await session.profile(profile)
            try await session.removeProfile(profile)
            output.show(gone, as: Sentence(words: "the boot profile \(gone.name) is removed"))
        }
    }
}

/// `muster profile versions`.
func profileVersionTable(_ versions: [BootProfileVersion], _ style: Style) -> Table {
    let rows = versions.map { version in
        let profile = version.boot_profile
        return [
            Cell(String(version.version)), Cell(LocalTime.text(version.saved, style), .faint), Cell(version.user),
            Cell(profile.mode.rawValue), Cell(profile.image?.description),
            Cell(profile.kernelArguments.joined(separator: " ")),
        ]
    }
    return Table(header: ["VERSION", "SAVED", "BY", "MODE", "IMAGE", "KERNEL ARGUMENTS"], rows: rows, isLastOpen: true)
}
