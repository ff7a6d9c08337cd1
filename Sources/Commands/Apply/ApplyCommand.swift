import ArgumentParser
import EngineClient
import HostModel

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make a site as a file says.",
        discussion: """
            The file is YAML with any of macpools, datacenters, clusters, networks, tags, affinitylabels and hosts: lists of \
            what the REST API takes, found by their names. What is missing is made, what differs is changed; what the file does \
            not name stays as it is, and nothing is removed. First every difference is shown; a person is asked, a program \
            says --yes. Applied twice the second time changes nothing.

            With --dry-run nothing is changed; exit code 0 says that there is no difference, 1 that there is.

              muster apply -f site.yaml --dry-run
            """
    )

    @Option(name: .shortAndLong, help: "The file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var file: String

    @Flag(help: "Only show what is different.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let site = try SiteFile.read(file)
        try await options.withSession { session in
            let plan = try await SitePlan(site, session)
            guard !plan.changes.isEmpty else {
                return output.show(plan.shown, as: Sentence(words: "the site is as \(file) says"))
            }
            output.show(plan.shown, as: Self.layout(plan))
            guard !dryRun else { throw ExitCode(ExitStatus.failed.rawValue) }
            try confirm(plan)
            for (index, change) in plan.changes.enumerated() {
                Terminal.complain("\(index + 1)/\(plan.changes.count) \(terminalEscaped(change.what))\n")
                try await change.make(session)
            }
        }
    }

    private func confirm(_ plan: SitePlan) throws {
        guard !yes else { return }
        guard Terminal.isInteractive else {
            throw UserError(.usage, "nothing was changed: there is nobody to ask", remedy: "muster apply --yes")
        }
        let answer = Terminal.ask("Make these \(plan.changes.count) changes? [y/N] ")?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else {
            throw UserError(.failed, "nothing was changed", remedy: "answer y, or give --yes")
        }
    }

    private static func layout(_ plan: SitePlan) -> Lines {
        Lines(
            lines: plan.changes.flatMap { change in
                ["\(change.isNew ? "+" : "~") \(change.what)"] + change.lines.map { "    \($0)" }
            }
        )
    }
}
