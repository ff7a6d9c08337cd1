import ArgumentParser
import EngineClient
import HostModel

struct HostRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a host and revoke its certificate.",
        aliases: ["rm"]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Flag(help: "Also when it is in use or does not answer.")
    var force = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.remove(found.id, force: force)
            output.show(found, as: Sentence(words: "\(found.name) is removed"))
        }
    }
}
