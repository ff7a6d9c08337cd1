import ArgumentParser
import EngineClient
import HostModel

struct JobAbort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "End a job before its time.",
        discussion: """
            A conversion or a way back ends after the step that is at work on the server; a step that takes longer than two \
            minutes more is ended there. Nothing of it is left running on the server, and the host is install_failed, with the \
            step: `muster host reinstall HOST` goes on from there, `muster host uninstall HOST` takes back what was done. \
            Before its first step nothing has been changed, and a host that works goes on.

            What cannot be stopped is refused with the reason: a server that reboots, a node that writes its disk.

              muster job abort 5d0c
            """
    )

    @Argument(help: "Id of the job, or as much of its beginning as is one job's.", completion: .jobs)
    var job: String

    @Flag(help: "Do not wait until it has ended.")
    var noWait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = 900

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    /// The pause between two looks.
    private static let pause = Duration.milliseconds(500)

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findJob(job)
            let action = try await session.abortJob(found.id)
            guard !noWait, action.status != "complete" else {
                let now = try await session.job(found.id)
                return output.show(now, as: Sentence(words: Self.words(now)))
            }
            let now = try await ended(found, session)
            output.show(now, as: Sentence(words: Self.words(now)))
        }
    }

    private func ended(_ job: JobResource, _ session: EngineSession) async throws -> JobResource {
        let begin = ContinuousClock.now
        while begin.duration(to: .now) < .seconds(timeout) {
            let now = try await HostWait.enduring { try await session.job(job.id) }
            if now.status != "started" { return now }
            try await Task.sleep(for: Self.pause)
        }
        throw UserError(
            .tryAgain,
            "\(terminalEscaped(job.description)) is still being aborted after \(timeout) s",
            remedy: "muster job show \(job.id)"
        )
    }

    static func words(_ job: JobResource) -> String {
        let more = [job.muster.error, job.muster.remedy].compactMap(\.self).joined(separator: " ")
        let state = job.status == "started" ? "is being aborted" : job.status
        return "\(job.description): \(state)\(more.isEmpty ? "" : ". \(more)")"
    }
}
