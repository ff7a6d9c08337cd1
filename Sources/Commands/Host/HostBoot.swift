import ArgumentParser
import EngineClient
import HostModel

struct HostBoot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot",
        abstract: "Set what a host boots.",
        discussion: """
            It counts from the host's next boot on; this command restarts nothing. See muster profile list. With --inherit the \
            host has no profile of its own any more: what its tags, its cluster or the profile default say counts (muster \
            profile assign).
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: ArgumentHelp("For the next boot only.", valueName: "profile"), completion: .profiles)
    var next: String?

    @Option(help: ArgumentHelp("For every boot from now on.", valueName: "profile"), completion: .profiles)
    var always: String?

    @Flag(help: "Take both away: the next boot's and its own.")
    var inherit = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard [next != nil, always != nil, inherit].filter(\.self).count == 1 else {
            throw ValidationError("Name a profile with --next or --always, or say --inherit.")
        }
    }

    func run() async throws {
        guard !inherit else { return try await inheritProfile() }
        let time: BootTime = next == nil ? .always : .next
        guard let profile = next ?? always else { return }
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.setBoot(found.id, profile: profile, when: time)
            let host = try await session.host(found.id)
            let when = time == .next ? "at its next boot" : "from its next boot on"
            output.show(host, as: Sentence(words: "\(host.name) boots \(profile) \(when)"))
        }
    }

    private func inheritProfile() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            for time in [BootTime.next, .always] { try await session.setBoot(found.id, profile: nil, when: time) }
            let host = try await session.host(found.id)
            output.show(host, as: Sentence(words: "\(host.name) boots what its tags, its cluster or default say"))
        }
    }
}
