import ArgumentParser
import EngineClient
import HostModel

/// Follows a conversion, or the way back, and tells each step once, and what a step that waits is at.
struct ConversionWait {
    private let session: EngineSession
    private let seconds: Int
    /// In front of each line, where several are followed: `kvm-8: `.
    private let prefix: String
    private var toldSteps: Set<String> = []
    private var toldNotes: Set<String> = []

    static let secondsDefault = 3 * 3600
    private static let pause = Duration.milliseconds(700)
    /// Lines of the transcript that are shown of a step that failed.
    private static let tailLines = 12

    init(_ session: EngineSession, seconds: Int, prefix: String = "") {
        (self.session, self.seconds, self.prefix) = (session, seconds, prefix)
    }

    /// The job once it has ended well. Throws `failed` with the job's own reason and remedy, after the end of what the
    /// server's programs said; `tryAgain` when the time is up.
    mutating func run(_ id: String) async throws -> JobResource {
        let begin = ContinuousClock.now
        while true {
            let job = try await HostWait.enduring { [session] in try await session.job(id) }
            tell(job)
            switch job.status {
            case "started": break
            case "finished": return job
            default:
                await showTranscript(of: job)
                throw JobWait.failure(job)
            }
            guard begin.duration(to: .now) < .seconds(seconds) else {
                throw UserError(
                    .tryAgain,
                    "\(terminalEscaped(job.description)) goes on after \(seconds) s",
                    remedy: "muster host wait \(terminalEscaped(job.host?.name ?? "")), or muster event list --watch"
                )
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private mutating func tell(_ job: JobResource) {
        for step in job.muster.steps where step.status != "unknown" {
            // Before there is a plan the steps have other numbers.
            if toldSteps.insert(step.name).inserted {
                say("\(step.number)/\(job.muster.steps.count) \(step.description)")
            }
            guard let note = step.activity, !note.isEmpty, toldNotes.insert("\(step.name) \(note)").inserted else {
                continue
            }
            say("  \(note)")
        }
    }

    private func say(_ line: String) { Terminal.complain("\(prefix)\(terminalEscaped(line))\n") }

    /// A failure without its words helps nobody; where the transcript cannot be had the reason must do.
    private func showTranscript(of job: JobResource) async {
        guard let step = job.muster.steps.first(where: { $0.status == "failed" }),
            let text = try? await session.transcript(ofJob: job.id)
        else { return }
        let lines = text.split(separator: "\n")
        let begin = lines.lastIndex { $0.contains(" \(step.name): ") && !$0.contains(" \(step.name): began") }
        guard let begin, begin + 1 < lines.count else { return }
        for line in lines[(begin + 1)...].suffix(Self.tailLines) { say("  | \(line)") }
    }
}

extension EngineSession {
    /// The newest job of a host that works on its server.
    func conversion(of host: String) async throws -> JobResource? {
        let kinds: Set<String> = ["convert", "reinstall", "uninstall"]
        return try await jobs(of: host).first { kinds.contains($0.muster.kind) }
    }

    /// Follows a conversion, and then its host until it is up.
    func followConversion(_ job: String, of host: HostResource, seconds: Int, prefix: String = "") async throws
        -> HostResource
    {
        var waiting = ConversionWait(self, seconds: seconds, prefix: prefix)
        _ = try await waiting.run(job)
        let now = try await HostWait.enduring { try await self.host(host.id) }
        guard now.status != "maintenance" else { return now }
        var up = HostWait(self, for: now, seconds: HostWait.secondsDefault) { Terminal.complain("\(prefix)\($0)\n") }
        return try await up.run()
    }
}

/// `--no-wait` and `--timeout` of commands that work on a server.
struct ConversionWaitOptions: ParsableArguments {
    @Flag(help: "Do not wait for the end; muster event list --watch shows how far it is.")
    var noWait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = ConversionWait.secondsDefault

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("The time-out must be at least one second.") }
    }
}
