import ArgumentParser
import EngineClient
import HostModel

struct HostReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject",
        abstract: "Refuse the open claims on a host.",
        discussion: "A machine that never was approved disappears from the list. It may claim again."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.reject(found.id)
            output.show(found, as: Sentence(words: "the claims on \(found.name) are rejected"))
        }
    }
}
