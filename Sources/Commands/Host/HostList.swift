import ArgumentParser
import EngineClient

struct HostList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the hosts, with their open claims.",
        aliases: ["ls"]
    )

    @Flag(help: "List the machines that were rejected and are kept away, instead.")
    var rejected = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        if rejected {
            let rejections = try await options.withSession { try await $0.rejections() }
            return output.show(rejections, as: rejectionTable(rejections, .current))
        }
        let hosts = try await options.withSession { try await $0.hosts() }
        output.show(hosts, as: hostTable(hosts))
    }
}
