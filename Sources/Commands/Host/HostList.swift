import ArgumentParser
import EngineClient

struct HostList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the hosts, with their open claims.",
        aliases: ["ls"]
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let hosts = try await options.withSession { try await $0.hosts() }
        output.show(hosts, as: hostTable(hosts))
    }
}
