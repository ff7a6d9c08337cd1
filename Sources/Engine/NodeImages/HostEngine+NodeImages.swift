import AgentWire
package import HostModel

// Disks and images of hosts: what people and programs ask for.

extension HostEngine {
    /// The disks of a host, asked of it now.
    package func disks(of id: UniqueID) async throws(EngineError) -> [NodeDisk] {
        try await asking(id) { link throws(AgentFailure) in
            let answer = try await link.call(.getDisks)
            do { return try NodeDisks(result: answer).disks } catch {
                throw .malformed("The node's disks cannot be read.")
            }
        }
    }

    /// What an installation would do, or why the node refuses it. Nothing is written.
    package func planDiskInstallation(
        _ id: UniqueID,
        _ wanted: DiskInstallation
    ) async throws(EngineError) -> [String] {
        let plan = try await diskPlan(id, wanted)
        return try await askPlan(id, plan)
    }

    /// Begins an installation that the node would not refuse.
    package func installDisk(
        _ id: UniqueID,
        _ wanted: DiskInstallation,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let plan = try await diskPlan(id, wanted)
        _ = try await askPlan(id, plan)
        return try await begin(.installDisk, of: id, plan, by: user, correlation)
    }

    /// Begins an upgrade to a published image; `nil`: the active version of the image that the host runs.
    package func upgrade(
        _ id: UniqueID,
        to reference: ImageReference?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let host = try await host(id)
        let running = try Self.running(on: host)
        guard running.slot != nil else { throw Self.notFromDisk(host.name) }
        let image = try await image(reference, runningOn: host)
        guard image.version != running.version.raw || image.name != running.name.raw else {
            throw EngineError(
                .conflict,
                "Host \(host.name) runs \(image.name) \(image.version) already.",
                remedy: "Publish a newer version, or name another with --image NAME@VERSION."
            )
        }
        let plan = ImageJobRow.Plan(name: image.name, version: image.version, folder: folder(of: image))
        return try await begin(.upgrade, of: id, plan, by: user, correlation)
    }

    /// Begins the way back to the image in the other slot.
    package func rollBack(
        _ id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let host = try await host(id)
        let running = try Self.running(on: host)
        guard running.slot != nil else { throw Self.notFromDisk(host.name) }
        guard let other = running.otherSlot, other.state == .good, !other.version.raw.isEmpty else {
            let state = running.otherSlot.map(\.state.rawValue) ?? "empty"
            throw EngineError(
                .conflict,
                "The other slot of host \(host.name) is \(state): there is nothing to go back to.",
                remedy: "Upgrade to the version that you want: `muster host upgrade \(host.name) --image NAME@VERSION`."
            )
        }
        let plan = ImageJobRow.Plan(name: other.name.raw, version: other.version.raw)
        return try await begin(.rollback, of: id, plan, by: user, correlation)
    }

    /// Has a host start once more, by its own agent; refused while guests run on it.
    package func reboot(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) -> JobRecord {
        let guests = try await guests(on: id)
        guard guests == 0 else {
            throw EngineError(
                .conflict,
                "\(guests) guests run on host \(try await host(id).name), and a reboot would end them.",
                remedy: "Stop them or move them to another host first."
            )
        }
        return try await begin(.reboot, of: id, ImageJobRow.Plan(name: "", version: ""), by: user, correlation)
    }

    /// Compares what a host runs with what is published; told as oVirt tells it.
    package func checkUpgrade(
        _ id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> UpgradeCheck {
        let host = try await host(id)
        let context = context(by: user, correlation)
        do throws(EngineError) {
            let running = try Self.running(on: host)
            let check = UpgradeCheck(
                name: running.name.raw,
                version: running.version.raw,
                newest: try await store.activeVersion(of: running.name.raw)
            )
            let (name, version) = (running.name.escapedForTerminal, running.version.escapedForTerminal)
            let found =
                check.newest.map { newest in
                    check.isAvailable
                        ? "\(newest) is there, it runs \(version)" : "it runs the active version \(version)"
                } ?? "no version of it is published here; it runs \(version)"
            try await tell(host, .updatesCheckFinished, .normal, "Host \(host.name), image \(name): \(found).", context)
            return check
        } catch {
            try await tell(host, .updatesCheckFailed, .warning, "Host \(host.name): \(error.detail)", context)
            throw error
        }
    }

    /// Jobs of a host, or of all, the newest first.
    package func jobs(of host: UniqueID?, max: Int) async throws(EngineError) -> [JobRecord] {
        try await store.jobs(of: host, max: max)
    }

    package func job(_ id: UniqueID) async throws(EngineError) -> JobRecord { try await store.job(id) }

    /// Guests that run on a host, asked of it now.
    func guests(on id: UniqueID) async throws(EngineError) -> Int {
        try await asking(id) { link throws(AgentFailure) in
            let answer = try await link.call(.getStats)
            do { return try HostStatistics(result: answer).vmActive } catch {
                throw .malformed("The agent's statistics cannot be read.")
            }
        }
    }
}

extension HostEngine {
    private func begin(
        _ kind: ImageJobRow.Kind,
        of id: UniqueID,
        _ plan: ImageJobRow.Plan,
        by user: String,
        _ correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let context = context(by: user, correlation)
        let deadline = context.now + settings.imageWork.prepare
        let job = try await store.beginImageJob(kind, of: id, plan, deadline: deadline, context: context)
        supervisor.watch(id)
        return job
    }

    private func tell(
        _ host: HostRecord,
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        _ context: TransitionContext
    ) async throws(EngineError) {
        var occurrence = Occurrence(code, severity, text, user: context.user, correlation: context.correlation)
        (occurrence.host, occurrence.hostName) = (host.id, host.name)
        try await store.record([occurrence], at: context.now)
    }

    private func diskPlan(
        _ id: UniqueID,
        _ wanted: DiskInstallation
    ) async throws(EngineError) -> ImageJobRow.Plan {
        let image = try await image(wanted.image, runningOn: try await host(id))
        guard image.manifest.file(.loaders) != nil else {
            throw EngineError(
                .conflict,
                "The image \(image.name) \(image.version) has no boot loaders for a disk.",
                remedy: "Build it with `install` among its outputs, and publish it."
            )
        }
        return ImageJobRow.Plan(
            name: image.name,
            version: image.version,
            folder: folder(of: image),
            disk: wanted.disk,
            wipe: wanted.wipe
        )
    }

    private func askPlan(_ id: UniqueID, _ plan: ImageJobRow.Plan) async throws(EngineError) -> [String] {
        try await asking(id) { link throws(AgentFailure) in
            let work = ImageWork(
                .install,
                id: .random(),
                image: plan.folder.flatMap { try? LiveImageFolder(parsing: $0) },
                disk: plan.disk,
                wipe: plan.wipe
            )
            let answer = try await link.call(.planInstallation, work.params)
            do { return try InstallationPlan(result: answer).steps.map(\.escapedForTerminal) } catch {
                throw .malformed("The node's plan cannot be read.")
            }
        }
    }

    /// The published image that a reference means; without one the active version of what the host runs.
    private func image(_ reference: ImageReference?, runningOn host: HostRecord) async throws(EngineError)
        -> ImageRecord
    {
        let running = host.hardware?.image?.name.raw ?? ""
        guard let wanted = reference ?? ImageReference(name: running, version: nil) else {
            throw EngineError(
                .conflict,
                "Host \(host.name) does not say which image it runs.",
                remedy: "Name one: --image NAME or --image NAME@VERSION."
            )
        }
        let found = try await store.read { try ImageRecord.fetch(wanted, in: $0) }
        guard let image = found else {
            throw EngineError(
                .notFound,
                "The image \(wanted) is not published here.",
                remedy: "`muster image list` shows the images; `muster image publish` brings one."
            )
        }
        return image
    }

    /// Where nodes get an image: from this engine's own boot server.
    private func folder(of image: ImageRecord) -> String {
        "http://\(settings.imageServer ?? settings.engineAddress)/images/\(image.name)/\(image.version)"
    }

    private static func running(on host: HostRecord) throws(EngineError) -> NodeImageReport {
        guard let image = host.hardware?.image, !image.version.raw.isEmpty else {
            throw EngineError(
                .conflict,
                "Host \(host.name) does not say which image it runs.",
                remedy: "Wait until it is up; an agent without images of ours is upgraded by its own packages."
            )
        }
        return image
    }

    private static func notFromDisk(_ host: HostName) -> EngineError {
        let failure = ImageJobFailure.notFromDisk(host)
        return EngineError(.conflict, failure.reason, remedy: failure.remedy)
    }

    /// One question to a host's agent, on a connection of its own.
    func asking<Answer: Sendable>(
        _ id: UniqueID,
        acceptsExpired: Bool = false,
        _ body: (AgentLink) async throws(AgentFailure) -> Answer
    ) async throws(EngineError) -> Answer {
        guard let host = try await store.watched(id) else { throw HostRow.notFound(id) }
        guard let target = host.target else {
            throw EngineError(
                .conflict,
                "Host \(host.row.name) is not approved, so its agent is not asked.",
                remedy: "Approve it first: `muster host approve \(host.row.name) --code CODE`."
            )
        }
        try refuseHeld(host.row.name, certificateOf: host.publicKey?.issued)
        let dialer = try AgentDialer(
            authority: authority.certificate,
            identity: identity,
            times: settings.monitoring,
            acceptsExpired: acceptsExpired
        )
        let link = AgentLink(dialer, target)
        do throws(AgentFailure) {
            let answer = try await body(link)
            await link.close()
            return answer
        } catch {
            await link.close()
            throw Self.refusal(error, of: host.row.name)
        }
    }

    private static func refusal(_ failure: AgentFailure, of host: HostName) -> EngineError {
        switch failure {
        case .refused(let error) where error.code == .methodNotFound:
            EngineError(
                .conflict,
                "The agent on host \(host) is too old: it does not know this order.",
                remedy: "Boot the host with a newer image, or `muster host reinstall \(host)` for a server."
            )
        case .refused(let error) where !failure.isPassing:
            EngineError(
                .conflict,
                "Host \(host) refuses: \(terminalEscaped(error.message.prefix(1000)))",
                remedy: "`muster host disks \(host)` shows its disks."
            )
        default:
            EngineError(
                .unavailable,
                "Host \(host) cannot be asked. \(failure.sentence)",
                remedy: "`muster host show \(host)` shows where it stands."
            )
        }
    }
}

extension Store {
    /// The version that `NAME` alone means; `nil` where none is.
    func activeVersion(of name: String) async throws(EngineError) -> String? {
        guard let reference = ImageReference(name: name, version: nil) else { return nil }
        return try await read { try ImageRecord.fetch(reference, in: $0)?.version }
    }
}
