import ArgumentParser
import EngineClient
import HostModel

struct JobList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List jobs, the newest first.",
        discussion: "Conversions, installations, upgrades and ways back. The newest 20 of each host are kept.",
        aliases: ["ls"]
    )

    @Option(help: "Only jobs of this host.", completion: .hosts)
    var host: String?

    @Flag(help: "Only those that go on.")
    var running = false

    @Option(help: ArgumentHelp("At most so many of the latest.", valueName: "number"))
    var max = 50

    @OptionGroup var watching: WatchOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    /// What the engine gives at once.
    static let pageMax = 1000

    func validate() throws {
        guard (1...Self.pageMax).contains(max) else {
            throw ValidationError("Ask for 1 to \(Self.pageMax) jobs with --max.")
        }
    }

    func run() async throws {
        try await options.show(watching, output, { try await jobs($0) }, as: { jobTable($0, .current) })
    }

    private func jobs(_ session: EngineSession) async throws -> [JobResource] {
        var jobs: [JobResource]
        if let host {
            let found = try await session.findHost(host)
            jobs = try await session.jobs(of: found.id)
        } else {
            jobs = try await session.jobs(max: running ? Self.pageMax : max)
        }
        if running { jobs = jobs.filter { $0.status == "started" } }
        return Array(jobs.prefix(max))
    }
}
