import ArgumentParser
import EngineClient
import HostModel

extension HostStatus: ExpressibleByArgument {}

struct HostWaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until a host has a status.",
        discussion: "Each change of status is told on standard error. A host that failed ends the wait with its reason."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: "The status to wait for.")
    var status = HostStatus.up

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = HostWait.secondsDefault

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("The time-out must be at least one second.") }
    }

    func run() async throws {
        try await options.withSession { session in
            let found = try await HostWait.enduring { try await session.findHost(self.host) }
            var waiting = HostWait(session, for: found, status: status, seconds: timeout)
            let host = try await waiting.run()
            output.show(host, as: Sentence(words: "\(host.name) is \(host.status)"))
        }
    }
}
