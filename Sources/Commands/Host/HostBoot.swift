import ArgumentParser
import EngineClient
import HostModel

struct HostBoot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot",
        abstract: "Set what a host boots.",
        discussion: "It counts from the host's next boot on; this command restarts nothing. See muster profile list."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: ArgumentHelp("For the next boot only.", valueName: "profile"), completion: .profiles)
    var next: String?

    @Option(help: ArgumentHelp("For every boot from now on.", valueName: "profile"), completion: .profiles)
    var always: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (next == nil) != (always == nil) else { throw ValidationError("Name a profile with --next or --always.") }
    }

    func run() async throws {
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
}
