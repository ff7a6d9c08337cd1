import ArgumentParser
import EngineClient

struct HostShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all that is known of a host, and what its open claims say."
    )

    @Argument(help: "Name or id.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let host = try await options.withSession { try await $0.findHost(self.host) }
        output.show(host, as: hostDetails(host, .current))
    }
}
