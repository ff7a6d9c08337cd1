import ArgumentParser
import EngineClient
import HostModel

struct JobShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one job and its steps."
    )

    @Argument(help: "Id of the job, or as much of its beginning as is one job's.", completion: .jobs)
    var job: String

    @Flag(help: "What a conversion did, and what the server's programs said, instead.")
    var transcript = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findJob(job)
            guard transcript else { return output.show(found, as: jobDetails(found, .current)) }
            let text = try await session.transcript(ofJob: found.id)
            let lines = text.split(separator: "\n").map(String.init)
            output.show(lines, as: Lines(lines: lines))
        }
    }
}

extension EngineSession {
    /// The job of this id, or the only one that begins so.
    func findJob(_ text: String) async throws -> JobResource {
        let wanted = text.lowercased()
        let jobs = try await jobs(max: JobList.pageMax).filter { $0.id.hasPrefix(wanted) }
        if !wanted.isEmpty, jobs.count == 1 || jobs.first?.id == wanted { return jobs[0] }
        let why = jobs.isEmpty || wanted.isEmpty ? "no job has" : "\(jobs.count) jobs have"
        throw UserError(.badData, "\(why) the id \(terminalEscaped(text))", remedy: "muster job list")
    }
}
