import ArgumentParser
import EngineClient
import HostModel

struct HostLogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show the ends of a host's logs, asked of it now.",
        discussion: """
            Each log stands behind a line with its name: agent (the node's own), journal (systemd's, of this boot) and kernel. A \
            host has those that it keeps. What would drive a terminal is written out.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Lines of each log, 1 to 2000.", valueName: "count"))
    var lines = HostLog.linesUsual

    @Option(help: ArgumentHelp("This log only: agent, journal or kernel.", valueName: "name"))
    var log: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...HostLog.linesMax).contains(lines) else {
            throw ValidationError("--lines takes 1 to \(HostLog.linesMax)")
        }
    }

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let logs = try await session.logs(of: found.id, lines: lines)
            let chosen = logs.filter { log == nil || $0.name == log }
            guard !chosen.isEmpty || log == nil else {
                let names = logs.map { terminalEscaped($0.name) }.joined(separator: ", ")
                throw UserError(
                    .badData,
                    "host \(terminalEscaped(host)) shows no log \(terminalEscaped(log ?? ""))",
                    remedy: names.isEmpty ? "its console" : "one of \(names)"
                )
            }
            output.show(chosen, as: LogLayout(logs: chosen))
        }
    }
}

/// Log after log, each behind its name, as tail(1) shows files.
struct LogLayout: Layout {
    var logs: [HostLog]

    func text(_ style: Style, headers: Bool) -> String {
        guard !logs.isEmpty else { return "The host has no log that it could show.\n" }
        let isNamed = headers && logs.count > 1
        return logs.map { log in
            let head = isNamed ? "==> \(terminalEscaped(log.name)) <==\n" : ""
            return head + log.lines.map { terminalEscaped($0) + "\n" }.joined()
        }.joined(separator: isNamed ? "\n" : "")
    }
}
