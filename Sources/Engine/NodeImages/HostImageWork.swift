import AgentWire
import HostModel
import Logging

/// Runs the stored steps of one host's work on its disks. What the node has done already is seen on the node and not
/// ordered again.
struct HostImageWork: Sendable {
    let host: WatchedHost
    let link: AgentLink
    let store: Store
    let settings: EngineSettings
    let logger: Logger

    private var times: ImageWorkTimes { settings.imageWork }
    private var now: Int64 { settings.clock.now() }

    /// One look at the node: what to do next.
    private enum Look {
        case done
        /// Done, and this is what was learnt.
        case learnt(ImageJobRow.Plan)
        /// Not yet; the failure counts when the deadline passes.
        case wait(String)
        case failed(ImageJobFailure)
    }

    /// Goes on from the stored step to the end of the job, whatever it is; ends early when the job was taken away or the
    /// task was cancelled.
    func run(_ stored: ImageJobRow) async throws(EngineError) {
        var job = stored
        var lastOrder = now
        // What was while the engine was away is not the node's fault.
        job.deadline = max(job.deadline, now + min(time(for: job.step), times.reboot))
        while !Task.isCancelled {
            switch try await look(&job, &lastOrder) {
            case .done: guard try await advance(&job, to: job.details) else { return }
            case .learnt(let plan): guard try await advance(&job, to: plan) else { return }
            case .failed(let failure): return try await store.endImageJob(job, failure, context: context(job))
            case .wait(let reason):
                guard now < job.deadline else {
                    return try await store.endImageJob(job, giveUp(job, reason), context: context(job))
                }
                logger.debug("Host \(host.row.name), \(job.step.rawValue): \(reason)")
                try? await Task.sleep(for: .milliseconds(times.poll))
            }
        }
    }

    /// Stores that the step is done; false at the end of the job.
    private func advance(_ job: inout ImageJobRow, to plan: ImageJobRow.Plan) async throws(EngineError) -> Bool {
        guard let next = job.step.next(job.kind) else {
            try await store.endImageJob(job, nil, context: context(job))
            return false
        }
        let deadline = now + time(for: next)
        guard let advanced = try await store.advance(job, to: next, plan, deadline: deadline, context: context(job))
        else { return false }
        job = advanced
        return true
    }

    private func time(for step: ImageJobStep) -> Int64 {
        switch step {
        case .prepare: times.prepare
        case .write: times.write
        case .reboot: times.reboot
        case .comeBack: times.comeBack
        }
    }

    private func context(_ job: ImageJobRow) -> TransitionContext {
        TransitionContext(now: now, times: settings.monitoring, user: job.user, correlation: job.correlation)
    }

    private func giveUp(_ job: ImageJobRow, _ reason: String) -> ImageJobFailure {
        let minutes = time(for: job.step) / 60_000
        let remedy =
            job.step == .comeBack
            ? "Look at the node's screen. If it shows an approval code, its state was not kept: approve it again."
            : "Look at the node's screen and at its agent's log, then order it again."
        return ImageJobFailure("It was not done in \(minutes) minutes. \(reason)", remedy: remedy)
    }

    /// What an agent's failure means for a step: time may cure it, or nothing will.
    private static func look(for failure: AgentFailure) -> Look {
        if failure.isPassing { return .wait(failure.sentence) }
        switch failure {
        case .refused(let error) where error.code == .methodNotFound:
            return .failed(
                ImageJobFailure(
                    "The agent on the host is too old: it can not write images.",
                    remedy: "Boot it once with a newer image, from the network."
                )
            )
        case .refused:
            return .failed(ImageJobFailure(failure.sentence, remedy: "`muster host disks HOST` shows the disks."))
        // Somebody else may answer at the address while the node is away.
        case .wrongPeer, .malformed, .unreachable, .closed, .timedOut: return .wait(failure.sentence)
        }
    }
}

// MARK: - The steps

extension HostImageWork {
    private func look(_ job: inout ImageJobRow, _ lastOrder: inout Int64) async throws(EngineError) -> Look {
        do throws(AgentFailure) {
            switch job.step {
            case .prepare: return try await prepare(job)
            case .write:
                let (look, noted) = try await write(job)
                if let noted {
                    guard let stored = try await keep(noted) else { return .wait("The work was taken away.") }
                    job = stored
                }
                return look
            case .reboot: return try await reboot(job)
            case .comeBack: return try await comeBack(job, &lastOrder)
            }
        } catch {
            await link.close()
            return Self.look(for: error)
        }
    }

    private func keep(_ job: ImageJobRow) async throws(AgentFailure) -> ImageJobRow? {
        do { return try await store.note(job) } catch {
            throw .closed("The engine could not keep how far it is: \(error).")
        }
    }

    private func prepare(_ job: ImageJobRow) async throws(AgentFailure) -> Look {
        let statistics: HostStatistics
        let answer = try await link.call(.getStats)
        do { statistics = try HostStatistics(result: answer) } catch {
            throw .malformed("The agent's statistics cannot be read.")
        }
        guard statistics.vmActive == 0 else {
            return .failed(
                ImageJobFailure(
                    "\(statistics.vmActive) guests run on the host, and a reboot would end them.",
                    remedy: "Stop them or move them to another host first."
                )
            )
        }
        let values = try await link.capabilities().values
        var plan = job.details
        (plan.bootID, plan.versionBefore) = (values.boot_uuid, values.musterImage.version.raw)
        guard [.upgrade, .rollback].contains(job.kind), values.musterImage.slot == nil else { return .learnt(plan) }
        return .failed(ImageJobFailure.notFromDisk(host.row.name))
    }

    /// Asks how far the node is, and tells it to begin where it knows nothing of the work.
    private func write(_ job: ImageJobRow) async throws(AgentFailure) -> (Look, noted: ImageJobRow?) {
        let answer = try await link.call(.getJobs)
        let jobs: NodeJobs
        do { jobs = try NodeJobs(result: answer) } catch { throw .malformed("The node's jobs cannot be read.") }
        guard let work = jobs.jobs[job.id.rawValue] else { return try await order(job) }
        switch work.status {
        case .done: return (.done, nil)
        case .failed:
            let reason = work.error.map { terminalEscaped($0.prefix(1000)) } ?? "The node does not say why."
            let remedy = work.remedy.map { terminalEscaped($0.prefix(500)) } ?? "Look at the node's log."
            return (.failed(ImageJobFailure(reason, remedy: remedy)), nil)
        case .running:
            var noted = job
            noted.percent = work.percent
            noted.activity = work.step.escapedForTerminal
            return (.wait("The node is at it: \(noted.activity ?? "")"), noted == job ? nil : noted)
        }
    }

    private func order(_ job: ImageJobRow) async throws(AgentFailure) -> (Look, noted: ImageJobRow?) {
        guard job.kind != .reboot else { return (.done, nil) }
        guard job.orders < times.ordersMax else {
            let reason = "The node began \(job.orders) times and forgot it: it starts again in the middle."
            return (.failed(ImageJobFailure(reason, remedy: "Look at the node's screen and at its power.")), nil)
        }
        let plan = job.details
        let folder = plan.folder.flatMap { try? LiveImageFolder(parsing: $0) }
        let (verb, kind): (HostVerb, ImageWork.Kind) =
            switch job.kind {
            case .installDisk: (.installImage, .install)
            case .upgrade: (.upgradeImage, .upgrade)
            case .rollback, .reboot: (.rollbackImage, .rollback)
            }
        let work = ImageWork(kind, id: job.id, image: folder, disk: plan.disk, wipe: plan.wipe)
        _ = try await link.call(verb, work.params)
        var noted = job
        (noted.orders, noted.percent, noted.activity) = (job.orders + 1, nil, nil)
        return (.wait("The node was told to begin."), noted)
    }

    private func reboot(_ job: ImageJobRow) async throws(AgentFailure) -> Look {
        guard try await link.capabilities().values.boot_uuid == job.details.bootID else { return .done }
        _ = try await link.call(.reboot)
        await link.close()
        return .done
    }

    private func comeBack(_ job: ImageJobRow, _ lastOrder: inout Int64) async throws(AgentFailure) -> Look {
        // The engine's voice is what a node on trial waits for.
        _ = try await link.call(.ping2, timeout: settings.monitoring.connect)
        let values = try await link.capabilities().values
        let verdict = ComeBack(
            job.kind,
            job.details,
            of: host.row.name,
            boot: values.boot_uuid,
            image: values.musterImage
        )
        switch verdict {
        case .arrived: return .done
        case .onTrial: return .wait("The image runs and has not proved itself yet.")
        case .failed(let failure): return .failed(failure)
        case .stillThere:
            if now - lastOrder >= times.rebootAgain {
                lastOrder = now
                _ = try await link.call(.reboot)
            }
            await link.close()
            return .wait("The node has not gone down yet.")
        }
    }
}

extension ImageJobFailure {
    static func notFromDisk(_ host: HostName) -> ImageJobFailure {
        ImageJobFailure(
            "Host \(host) does not run from a disk of its own, so there is no other slot.",
            remedy: "Install it to its disk: `muster host install-disk \(host) --disk SELECTOR`."
        )
    }
}
