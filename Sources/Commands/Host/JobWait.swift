import EngineClient
import HostModel

/// Follows one job to its end and tells each step, and how far the node is.
struct JobWait {
    private let session: EngineSession
    private let seconds: Int
    private let tell: (String) -> Void
    private var told: String?
    private var percent: Int?

    /// An installation writes gigabytes, and a new image has an hour to prove itself.
    static let secondsDefault = 4 * 3600
    /// The pause between two looks, and how much further it must be to be told again.
    static let pause = Duration.seconds(2)
    static let percentStep = 10

    init(_ session: EngineSession, seconds: Int, tell: @escaping (String) -> Void = { Terminal.complain($0 + "\n") }) {
        (self.session, self.seconds, self.tell) = (session, seconds, tell)
    }

    /// The job once it has ended well. Throws `failed` with the job's own reason and remedy, `tryAgain` when the time is up.
    mutating func run(_ id: String) async throws -> JobResource {
        let begin = ContinuousClock.now
        while true {
            let job = try await HostWait.enduring { [session] in try await session.job(id) }
            show(job)
            switch job.status {
            case "started": break
            case "finished": return job
            default: throw Self.failure(job)
            }
            guard begin.duration(to: .now) < .seconds(seconds) else {
                throw UserError(
                    .tryAgain,
                    "\(terminalEscaped(job.description)) goes on after \(seconds) s",
                    remedy: "muster event list --watch, or wait for the host: muster host wait"
                )
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private mutating func show(_ job: JobResource) {
        guard let step = job.muster.steps.first(where: { $0.status == "started" }) else { return }
        let now = step.progress.flatMap { Int($0) }
        let words = [step.description, step.activity].compactMap(\.self).filter { !$0.isEmpty }
        let line = "\(step.number)/\(job.muster.steps.count) \(terminalEscaped(words.joined(separator: ": ")))"
        let isFurther = now.map { $0 >= (percent ?? 0) + Self.percentStep } ?? false
        guard line != told || isFurther else { return }
        if line != told { percent = nil }
        tell(line + (now.map { " \($0) %" } ?? ""))
        (told, percent) = (line, now ?? percent)
    }

    static func failure(_ job: JobResource) -> UserError {
        let reason = job.muster.error.map { terminalEscaped($0) } ?? "it was given up"
        return UserError(
            .failed,
            "\(terminalEscaped(job.description)) \(terminalEscaped(job.status)): \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason)",
            remedy: job.muster.remedy.map { terminalEscaped($0) } ?? "muster event list"
        )
    }
}

extension EngineSession {
    /// What a command that began a job does then: shows the job, or waits for its end and for the host.
    func follow(
        _ action: ActionResource,
        of host: HostResource,
        wait: Bool,
        seconds: Int,
        _ output: OutputOptions,
        begun: String,
        done: String
    ) async throws {
        guard let id = action.job?.id else { return output.show(action, as: Sentence(words: begun)) }
        guard wait else {
            let job = try await job(id)
            return output.show(job, as: Sentence(words: "\(begun); see muster event list --watch --host \(host.name)"))
        }
        var waiting = JobWait(self, seconds: seconds)
        let job = try await waiting.run(id)
        let now = try await HostWait.enduring { try await self.host(host.id) }
        var up = HostWait(self, for: now, seconds: HostWait.secondsDefault)
        if job.status == "finished", now.status != "maintenance" { _ = try await up.run() }
        output.show(job, as: Sentence(words: done))
    }
}
