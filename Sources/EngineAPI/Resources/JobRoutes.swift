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
    private struct Upgrade: Decodable, WireDocument {
        static let element = "action"
        var image: ImageReference?
    }

    func add(to api: some RouterMethods<APIContext>) {
        addJobs(to: api)
        addLooks(to: api.group("hosts"))
        addWork(to: api.group("hosts"))
    }

    private func addJobs(to api: some RouterMethods<APIContext>) {
        let others = ExternalJobRoutes(engine: engine)
        others.add(to: api)
        api.get(
            "jobs",
            .list("Jobs, the newest first", JobCollection.self, fields: JobResource.searchFields)
        ) { request, context in
            let list = try ListQuery(request.query, fields: JobResource.searchFields, limit: Self.pageMax)
            let jobs = try await engine.jobs(of: nil, max: list.search.isAll ? list.max : Self.pageMax)
            let all = jobs.map(JobResource.init) + (try await others.all())
            let newestFirst = all.sorted { ($0.start_time, $0.id) > ($1.start_time, $1.id) }
            return try await context.answer(JobCollection(list.page(of: newestFirst)))
        }
        api.get("jobs/:id", .show("A job", JobResource.self)) { _, context in
            let id = try context.id(of: "job")
            if let other = try await others.one(id) { return try await context.answer(other) }
            return try await context.answer(JobResource(engine.job(id)))
        }
        api.get("jobs/:id/steps", .list("The steps of a job", StepCollection.self)) { _, context in
            try await context.answer(StepCollection(steps(of: context.id(of: "job"), others)))
        }
        api.get("jobs/:id/steps/:step", .show("A step of a job", JobResource.Step.self)) { _, context in
            let id = try context.parameters.require("step")
            guard let step = try await steps(of: context.id(of: "job"), others).first(where: { $0.id == id }) else {
                throw Fault.notFound("There is no step \(id.prefix(64)) of this job.", remedy: "List its steps.")
            }
            return try await context.answer(step)
        }
        // oVirt's `end` and `clear` are for jobs of other programs; the engine's own can be ended before their time.
        api.action(
            "jobs/:id/end",
            .begin("Ends a job", JobEndResource.self, needsBody: false, or: [.done])
        ) { request, context in
            let body = try await request.readIfAny(JobEndResource.self)
            let id = try context.id(of: "job")
            guard try await others.one(id) == nil else {
                try await engine.endExternalJob(id, succeeded: body?.succeeded ?? true)
                return try context.complete()
            }
            guard body?.succeeded != true else {
                throw Fault(
                    .conflict,
                    "A job of the engine's own ends well by itself only.",
                    remedy: "Leave succeeded out, or send false: then it is aborted."
                )
            }
            return try await abort(request, context)
        }
        api.action(
            "jobs/:id/abort",
            .begin("Ends a job of the engine's own before its time", or: [.done])
        ) { request, context in try await abort(request, context)
        }
        api.action("jobs/:id/clear", .act("Forgets a job of another program")) { _, context -> Response in
            let id = try context.id(of: "job")
            guard try await others.one(id) == nil else {
                try await engine.clearExternalJob(id)
                return try context.complete()
            }
            let job = try await engine.job(id)
            throw Fault(
                .conflict,
                "Job \(job.id) is the engine's own: it is kept as long as \(Self.kept) newer ones of its host.",
                remedy: "`POST jobs/ID/abort` ends one that runs."
            )
        }
    }

    private func steps(of id: UniqueID, _ others: ExternalJobRoutes) async throws -> [JobResource.Step] {
        if let other = try await others.one(id) { return other.muster.steps }
        return JobResource(try await engine.job(id)).muster.steps
    }

    /// As `ImageJobRow.keptPerHost` and `ConversionRow.keptPerHost`.
    private static let kept = 20

    /// 200 where it has ended, 202 where its step is let come to its end first.
    private func abort(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try context.id(of: "job")
        let job = try await engine.abortJob(id, by: context.user, correlation: context.correlation)
        guard job.status != .started else { return try await context.begun(job) }
        var action = ActionResource(status: "complete")
        action.job = ResourceLink(id: job.id.rawValue, href: ResourcePath.href("jobs", job.id.rawValue))
        return try await context.answer(action)
    }

    private func addLooks(to hosts: some RouterMethods<APIContext>) {
        hosts.get(
            ":id/jobs",
            .list("The jobs of a host", JobCollection.self, query: [Call.max()])
        ) { request, context in
            let count = try PageSize(request.query, limit: Self.pageMax).count
            let jobs = try await engine.jobs(of: context.id(of: "host"), max: count)
            return try await context.answer(JobCollection(jobs.map(JobResource.init)))
        }
        hosts.get(
            ":id/disks",
            .list("The disks of a host, as it has them now", DiskCollection.self, asksHost: true)
        ) { _, context in
            try await context.answer(DiskCollection(await engine.disks(of: context.id(of: "host"))))
        }
        hosts.get(
            ":id/lldp",
            .list("The neighbours that a host hears", LLDPCollection.self, asksHost: true)
        ) { _, context in
            try await context.answer(LLDPCollection(await engine.neighbours(of: context.id(of: "host"))))
        }
        hosts.get(
            ":id/logs",
            .list("The ends of the logs of a host", HostLogCollection.self, query: [Call.max()], asksHost: true)
        ) { request, context in
            let count = try PageSize(request.query, limit: HostLog.linesMax).count
            let lines = request.query["max"] == nil ? HostLog.linesUsual : max(count, 1)
            return try await context.answer(
                HostLogCollection(await engine.logs(of: context.id(of: "host"), lines: lines))
            )
        }
    }

    private func addWork(to hosts: some RouterMethods<APIContext>) {
        hosts.action(
            ":id/installdisk",
            .begin(
                "Installs a host on its own disk",
                DiskInstallationRequest.self,
                or: [.ok(ActionResource.self, "With dry_run: `plan` says what would be done")]
            )
        ) { request, context in
            let body = try await request.read(DiskInstallationRequest.self)
            let id = try context.id(of: "host")
            let wanted = DiskInstallation(disk: body.disk, wipe: body.wipe, image: body.image)
            if body.dry_run == true {
                let plan = try await engine.planDiskInstallation(id, wanted)
                return try await context.answer(ActionResource(status: "complete", plan: plan))
            }
            let job = try await engine.installDisk(id, wanted, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        hosts.action(
            ":id/upgrade",
            .begin("Brings a host to another version of its image", Upgrade.self, needsBody: false)
        ) { request, context in
            let image = try await request.readIfAny(Upgrade.self)?.image
            let id = try context.id(of: "host")
            let job = try await engine.upgrade(id, to: image, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        hosts.action(":id/upgradecheck", .act("Looks for a newer version of a host's image")) { _, context in
            let id = try context.id(of: "host")
            _ = try await engine.checkUpgrade(id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        hosts.action(":id/reboot", .begin("Starts a host anew")) { _, context in
            let id = try context.id(of: "host")
            let job = try await engine.reboot(id, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        hosts.action(":id/rollback", .begin("Brings a host back to the version before")) { _, context in
            let id = try context.id(of: "host")
            let job = try await engine.rollBack(id, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
    }
}

extension JobResource {
    init(_ record: JobRecord) {
        let steps = record.steps.enumerated().map { index, step in
            var resource = Step(
                id: "\(record.id)-\(index + 1)",
                number: String(index + 1),
                name: step.name,
                description: step.description,
                status: step.status.rawValue
            )
            resource.progress = step.percent.map { String($0) }
            resource.activity = step.activity
            resource.start_time = step.began.map { WireTime.text(milliseconds: $0) }
            resource.end_time = step.ended.map { WireTime.text(milliseconds: $0) }
            resource.href = "\(ResourcePath.href("jobs", record.id.rawValue))/steps/\(resource.id)"
            resource.job = ResourcePath.link("jobs", record.id)
            // What comes first looks, what comes last proves.
            if index == 0 { resource.type = "validating" }
            if index > 0, index == record.steps.count - 1 { resource.type = "finalizing" }
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
        last_updated = end_time ?? start_time
        link = [WireLink("steps", in: href)]
        correlation_id = record.correlation
        owner = record.user.map { ResourceLink(id: $0, name: $0) }
        host = ResourcePath.link("hosts", record.host, name: record.hostName.rawValue)
        (muster.error, muster.remedy, muster.report) = (record.error, record.remedy, record.report)
    }
}

extension JobResource: SearchedResource {
    static let searchFields = ["id", "description", "status", "host", "host.name", "correlation_id", "owner", "kind"]

    var searchValues: SearchValues {
        SearchValues(
            [
                "id": [id], "description": [description], "status": [status], "host": [host?.name],
                "host.name": [host?.name], "correlation_id": [correlation_id], "owner": [owner?.name],
                "kind": [muster.kind],
            ],
            words: [description]
        )
    }
}
