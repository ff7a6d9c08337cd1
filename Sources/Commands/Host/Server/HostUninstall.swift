import ArgumentParser
import EngineClient
import HostModel

struct HostUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Give a converted server back as it was, and forget the host.",
        discussion: """
            Everything that the conversion did is taken back, the last step first: networks, services, firewall, packages, users, \
            files. Then every file under /etc is compared by hash with what it was. What differs is listed, each with its reason: \
            somebody changed it since, or a package moved on. The host is removed and its certificate revoked once all steps \
            could be taken back; otherwise it is install_failed, and the command may be run again.

            No guest may run on the host. Without the engine: sh /var/lib/muster-conversion/undo, on the server.

              muster host uninstall kvm-8
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var server: ServerOptions
    @OptionGroup var waiting: ConversionWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let body = try await server.action(on: found, session, options, ServerChoiceOptions.parse([]))
            let action = try await session.workOnServer(found.id, "uninstall", body)
            guard !waiting.noWait, let id = action.job?.id else {
                return output.show(action, as: Sentence(words: "\(found.name) is being taken back"))
            }
            var wait = ConversionWait(session, seconds: waiting.timeout)
            let job = try await wait.run(id)
            let report = job.muster.report ?? []
            output.show(job, as: Lines(lines: Self.words(found.name, report)))
        }
    }

    /// The first of the report's lines says it where there was nothing to take back, which is no difference.
    static func words(_ name: String, _ report: [String]) -> [String] {
        let begin = "\(name) is no host any more; "
        guard let first = report.first else { return [begin + "the server is as it was before"] }
        if first.hasPrefix("there was nothing") { return [begin + first] + report.dropFirst() }
        return [begin + "what is not as it was before:"] + report
    }
}
