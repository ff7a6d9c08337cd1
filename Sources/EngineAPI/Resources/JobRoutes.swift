import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `jobs`, and what people do with a host's disks and images (docs/protocols.md, section 3).
struct JobRoutes {
    let engine: HostEngine

    /// The most jobs of one answer.
    static let pageMax = 1000

    /// oVirt's action has more members; what it does not need here is skipped.
    private struct Upgrade: Decodable {
        var image: ImageReference?
    }

    func add(to api: some RouterMethods<APIContext>) {
        addJobs(to: api)
        addActions(to: api.group("hosts"))
    }

    private func addJobs(to api: some RouterMethods<APIContext>) {
        api.get("jobs") { request, _ in
            let count = try PageSize(request.query, limit: Self.pageMax).count
            return try Response.json(JobCollection(await engine.jobs(of: nil, max: count).map(JobResource.init)))
        }
        api.get("jobs/:id") { _, context in
            try Response.json(JobResource(await engine.job(context.id(of: "job"))))
        }
        api.get("jobs/:id/steps") { _, context in
            try Response.json(StepCollection(JobResource(await engine.job(context.id(of: "job"))).muster.steps))
        }
        // oVirt's `end` and `clear` are for jobs of other programs; the engine's own can be ended before their time.
        api.post("jobs/:id/end") { request, context in
            let body = try await request.jsonIfAny(JobEndResource.self)
            guard body?.succeeded != true else {
                throw Fault(
                    .conflict,
                    "A job of the engine's own ends well by itself only.",
                    remedy: "Leave succeeded out, or send false: then it is aborted."
                )
            }
            return try await abort(request, context)
        }
        api.post("jobs/:id/abort") { request, context in try await abort(request, context) }
        api.post("jobs/:id/clear") { _, context -> Response in
            let job = try await engine.job(context.id(of: "job"))
            throw Fault(
                .conflict,
                "Job \(job.id) is the engine's own: it is kept as long as \(Self.kept) newer ones of its host.",
                remedy: "`POST jobs/ID/abort` ends one that runs."
            )
        }
        api.get("hosts/:id/jobs") { request, context in
            let count = try PageSize(request.query, limit: Self.pageMax).count
            let jobs = try await engine.jobs(of: context.id(of: "host"), max: count)
            return try Response.json(JobCollection(jobs.map(JobResource.init)))
        }
    }

    /// As `ImageJobRow.keptPerHost` and `ConversionRow.keptPerHost`.
    private static let kept = 20

    /// 200 where it has ended, 202 where its step is let come to its end first.
    private func abort(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try context.id(of: "job")
        let job = try await engine.abortJob(id, by: context.user, correlation: context.correlation)
        guard job.status != .started else { return try Self.begun(job) }
        var action = ActionResource(status: "complete")
        action.job = ResourceLink(id: job.id.rawValue, href: ResourcePath.href("jobs", job.id.rawValue))
        return try Response.json(action)
    }

    private func addActions(to hosts: some RouterMethods<APIContext>) {
        hosts.get(":id/disks") { _, context in
            try Response.json(DiskCollection(await engine.disks(of: context.id(of: "host"))))
        }
        hosts.get(":id/lldp") { _, context in
            try Response.json(LLDPCollection(await engine.neighbours(of: context.id(of: "host"))))
        }
        hosts.get(":id/logs") { request, context in
            let count = try PageSize(request.query, limit: HostLog.linesMax).count
            let lines = request.query["max"] == nil ? HostLog.linesUsual : max(count, 1)
            return try Response.json(
                HostLogCollection(await engine.logs(of: context.id(of: "host"), lines: lines))
            )
        }
        hosts.post(":id/installdisk") { request, context in
            let body = try await request.json(DiskInstallationRequest.self)
            let id = try context.id(of: "host")
            let wanted = DiskInstallation(disk: body.disk, wipe: body.wipe, image: body.image)
            if body.dry_run == true {
                let plan = try await engine.planDiskInstallation(id, wanted)
                return try Response.json(ActionResource(status: "complete", plan: plan))
            }
            let job = try await engine.installDisk(id, wanted, by: context.user, correlation: context.correlation)
            return try Self.begun(job)
        }
        hosts.post(":id/upgrade") { request, context in
            let image = try await request.jsonIfAny(Upgrade.self)?.image
            let id = try context.id(of: "host")
            let job = try await engine.upgrade(id, to: image, by: context.user, correlation: context.correlation)
            return try Self.begun(job)
        }
        hosts.post(":id/upgradecheck") { _, context in
            let id = try context.id(of: "host")
            _ = try await engine.checkUpgrade(id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.post(":id/reboot") { _, context in
            let id = try context.id(of: "host")
            let job = try await engine.reboot(id, by: context.user, correlation: context.correlation)
            return try Self.begun(job)
        }
        hosts.post(":id/rollback") { _, context in
            let id = try context.id(of: "host")
            let job = try await engine.rollBack(id, by: context.user, correlation: context.correlation)
            return try Self.begun(job)
        }
    }

    /// oVirt's answer to an action that goes on: 202 with the job.
    static func begun(_ job: JobRecord) throws -> Response {
        var action = ActionResource(status: "pending")
        action.job = ResourceLink(id: job.id.rawValue, href: ResourcePath.href("jobs", job.id.rawValue))
        return try Response.json(action, status: .accepted)
    }
}

extension JobResource {
    init(_ record: JobRecord) {
        let steps = record.steps.enumerated().map { index, step in
            var resource = Step(
                id: "\(record.id)-\(index + 1)",
                number: String(index + 1),
                type: step.name,
                description: step.description,
                status: step.status.rawValue
            )
            resource.progress = step.percent.map { String($0) }
            resource.activity = step.activity
            return resource
        }
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("jobs", record.id.rawValue),
            description: "Host \(record.hostName): \(record.description)",
            status: record.status.rawValue,
            start_time: WireTime.text(milliseconds: record.started),
            muster: Muster(kind: record.kind, steps: steps)
        )
        end_time = record.ended.map { WireTime.text(milliseconds: $0) }
        correlation_id = record.correlation
        owner = record.user.map { ResourceLink(id: $0, name: $0) }
        host = ResourcePath.link("hosts", record.host, name: record.hostName.rawValue)
        (muster.error, muster.remedy, muster.report) = (record.error, record.remedy, record.report)
    }
}
