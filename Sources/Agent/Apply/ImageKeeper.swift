import AgentWire
import Glibc
import HostModel
import Logging
import NIOCore
import Subprocess
import SystemPackage

/// Works on the node's disks, one work at a time, and knows how the last one stands. The work is a child process; whoever
/// ordered it may leave and ask again later.
actor ImageKeeper {
    private let settings: ApplySettings
    private let program: InstallerProgram
    private let file: ImageJobFile
    private let reports: ImageReportFile
    private let logger: Logger
    private var job: NodeJob?
    private var work: Task<Void, Never>?
    private var listing: Task<Result<NodeDisks, RPCError>, Never>?
    private var report = NodeImageReport()
    private var wasHeard = false
    private var isLooking = false
    private var isRebooting = false

    /// Seconds that each of them may take.
    private static let workSeconds = 3 * 3600
    private static let askSeconds = 60
    /// The answer to the call must be on its way before the machine goes down.
    private static let rebootDelay = Duration.seconds(2)

    init(_ settings: ApplySettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
        program = InstallerProgram(path: settings.installer)
        file = ImageJobFile(in: settings.run)
        reports = ImageReportFile(in: settings.run)
    }

    /// Ends what an earlier process left running, and says so to whoever asks for the work.
    func recover() async {
        if let entry = file.read() {
            job = entry.job
            if entry.job.status == .running {
                await entry.process?.end()
                finish(
                    InstallerTale.Failure(
                        code: .general,
                        sentence: "The agent was ended in the middle of it\(entry.job.at).",
                        remedy: "Order it again: what ran before still runs."
                    )
                )
            }
        }
        await lookAtSlots()
    }

    /// Begins a work; asked for again by its id, running or ended, it is not begun again.
    func start(_ work: ImageWork) throws(RPCError) {
        if job?.id == work.id.rawValue { return }
        guard !isRebooting else { throw RPCError(.resourceUnavailable, "The machine is about to reboot.") }
        guard self.work == nil else {
            throw RPCError(.resourceUnavailable, "The node works on its disks already: \(job?.job_type ?? "").")
        }
        let fresh = NodeJob(work)
        do { try file.write(.init(job: fresh)) } catch {
            throw RPCError(.unexpected, "The work can not be noted: \(error)")
        }
        job = fresh
        logger.notice("\(work.arguments.joined(separator: " "))")
        self.work = Task { await self.run(work) }
    }

    func jobs() -> NodeJobs { NodeJobs(job) }

    /// Those who ask at once share one look.
    func disks() async throws(RPCError) -> NodeDisks {
        let task =
            listing
            ?? Task { [program] in
                do throws(RPCError) {
                    let answer = try await program.answer(["disks", "--json"], seconds: Self.askSeconds)
                    guard let disks = try? JSONText.decode([NodeDisk].self, from: ByteBuffer(bytes: answer)) else {
                        throw RPCError(.general, "The answer of muster-agent disks can not be read.")
                    }
                    return .success(NodeDisks(disks))
                } catch {
                    return .failure(error)
                }
            }
        listing = task
        let result = await task.value
        listing = nil
        return try result.get()
    }

    /// What a work would do; refused where it would be.
    func plan(_ work: ImageWork) async throws(RPCError) -> InstallationPlan {
        let notes = PlanNotes()
        let status: Int32?
        do {
            // What would be done is told in sentences, which are no progress.
            let words = work.arguments + ["--dry-run", "--progress=lines"]
            status = try await program.run(words, seconds: Self.askSeconds) { await notes.take($0) }
        } catch {
            throw RPCError(.general, "muster-agent \(work.kind.rawValue) could not be run: \(error).")
        }
        let tale = await notes.tale
        if let failure = tale.failure(status: status, of: work.kind.rawValue, tellsProgress: false) {
            throw failure.error
        }
        return InstallationPlan(await notes.steps)
    }

    /// Reboots the machine a moment later.
    func reboot() throws(RPCError) {
        guard work == nil else { throw RPCError(.resourceUnavailable, "The node works on its disks; reboot it later.") }
        guard !isRebooting else { return }
        isRebooting = true
        logger.notice("the engine orders a reboot")
        Task { await self.rebootNow() }
    }

    /// Stops what runs: the agent itself is told to end.
    func stop() async {
        work?.cancel()
        await work?.value
    }
}

// MARK: - The work

extension ImageKeeper {
    private func run(_ work: ImageWork) async {
        var failure: InstallerTale.Failure?
        let notes = PlanNotes()
        do {
            let status = try await program.run(
                work.arguments + (work.tellsProgress ? ["--progress=json"] : []),
                seconds: Self.workSeconds,
                onStart: { await self.note($0) },
                onLine: { line in
                    await notes.take(line)
                    await self.note(line)
                }
            )
            let tale = await notes.tale
            failure = tale.failure(status: status, of: work.kind.rawValue, tellsProgress: work.tellsProgress)
        } catch {
            let why = error is InstallerProgram.TimedOut ? "it took over \(Self.workSeconds / 3600) hours" : "\(error)"
            failure = InstallerTale.Failure(
                code: .general,
                sentence: "muster-agent \(work.kind.rawValue) was ended: \(why).",
                remedy: "Look at the node's log (muster-agent.log), then order it again."
            )
        }
        finish(failure)
        self.work = nil
        await lookAtSlots()
    }

    private func note(_ pid: pid_t) {
        guard let job else { return }
        try? file.write(.init(job: job, process: ProcessMark(pid)))
    }

    private func note(_ line: InstallerLine) {
        switch line {
        case .step(let step, let done, let total):
            let step = HostileText(InstallReporter.words[step] ?? step)
            if job?.step != step { logger.info("\(step.escapedForTerminal)") }
            job?.step = step
            job?.done = done
            job?.total = total
        case .text(let text): logger.info("installer: \(terminalEscaped(text))")
        case .done, .failed: break
        }
    }

    private func finish(_ failure: InstallerTale.Failure?) {
        guard var ended = job else { return }
        ended.status = failure == nil ? .done : .failed
        (ended.error, ended.remedy) = (failure?.sentence, failure?.remedy)
        job = ended
        logger.notice(
            "\(ended.job_type) \(ended.status.rawValue)\(failure.map { ": \(terminalEscaped($0.sentence))" } ?? "")"
        )
        do { try file.write(.init(job: ended)) } catch { logger.error("the end can not be noted: \(error)") }
    }

    private func rebootNow() async {
        try? await Task.sleep(for: Self.rebootDelay)
        sync()
        do {
            let result = try await Subprocess.run(
                .path(settings.rebootProgram),
                input: .none,
                output: .discarded,
                error: .string(limit: InstallerProgram.lineBytesMax)
            )
            if result.terminationStatus.isSuccess { return }
            logger.error("no reboot: \(terminalEscaped(result.standardError))")
        } catch {
            logger.error("no reboot: \(terminalEscaped("\(error)"))")
        }
        isRebooting = false
    }
}

// MARK: - The image that runs

extension ImageKeeper {
    /// The engine was heard: what waited for that may be over (`muster-agent confirm --when-ready`), so that the slots are
    /// looked at again.
    func engineWasHeard() {
        guard report.isTrial || !wasHeard, !isLooking else { return }
        (wasHeard, isLooking) = (true, true)
        Task {
            await lookAtSlots()
            isLooking = false
        }
    }

    private func lookAtSlots() async {
        let line = (try? readFile(settings.commandLine, limit: KernelArguments.bytesMax)) ?? []
        var fresh = NodeImageReport(KernelArguments(String(decoding: line, as: UTF8.self)))
        do {
            let answer = try await program.answer(["slots", "--json"], seconds: Self.askSeconds)
            fresh.add(try JSONText.decode(DiskSlots.self, from: ByteBuffer(bytes: answer)))
        } catch {
            logger.debug("no slots: \(terminalEscaped("\(error)"))")
        }
        if fresh.fallBack != nil, fresh.fallBack?.reason == nil {
            fresh.fallBack?.reason = readLine(of: settings.run.file(SlotTrial.fallName)).map { HostileText($0) }
        }
        report = fresh
        do { try reports.write(fresh) } catch { logger.warning("the image can not be told: \(error)") }
    }
}

/// Collects the lines of one run.
private actor PlanNotes {
    private(set) var tale = InstallerTale()
    private(set) var steps: [HostileText] = []

    func take(_ line: InstallerLine) {
        tale.take(line)
        guard steps.count < InstallationPlan.stepsMax else { return }
        switch line {
        case .step(let step, _, _): if steps.last?.raw != step { steps.append(HostileText(step)) }
        case .text(let text): steps += Self.parts(of: text)
        case .done, .failed: break
        }
    }
}

extension PlanNotes {
    /// A long sentence as several, none longer than what is kept of one.
    private static func parts(of text: String) -> [HostileText] {
        var (parts, part) = ([HostileText](), "")
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if !part.isEmpty, part.utf8.count + word.utf8.count >= HostileText.bytesMax {
                parts.append(HostileText(part))
                part = ""
            }
            part += (part.isEmpty ? "" : " ") + word
        }
        return parts + [HostileText(part)]
    }
}

extension NodeJob {
    /// ` (writing the image)`
    fileprivate var at: String { step.raw.isEmpty ? "" : " (\(step.escapedForTerminal))" }
}

/// What `apply` knows of the image that runs, for `serve`, which may not look at disks.
struct ImageReportFile: Sendable {
    private let directory: NodeDirectory
    private static let name = "image.json"

    init(in directory: NodeDirectory) { self.directory = directory }

    func write(_ report: NodeImageReport) throws { try directory.write(value: report, to: Self.name) }

    /// `nil` while `apply` has not run.
    func read() -> NodeImageReport? { directory.value(NodeImageReport.self, in: Self.name) }
}
