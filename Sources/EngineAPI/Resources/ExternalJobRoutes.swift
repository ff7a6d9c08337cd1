import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// Jobs of other programs: made, given steps, ended and cleared (oVirt's external jobs).
struct ExternalJobRoutes {
    let engine: HostEngine

    private struct JobOrder: Decodable, WireDocument {
        static let element = "job"
        var description: String?
        var auto_cleared: WireFlag?
    }

    private struct StepOrder: Decodable, WireDocument {
        static let element = "step"
        var description: String?
        var type: String?
    }

    func add(to api: some RouterMethods<APIContext>) {
        api.post("jobs", .add("Makes a job of another program", JobOrder.self, JobResource.self)) { request, context in
            let order = try await request.read(JobOrder.self)
            let job = try await engine.addExternalJob(
                order.description,
                isCleared: order.auto_cleared?.value ?? false,
                by: context.user,
                correlation: context.correlation
            )
            return try context.created(JobResource(job, []))
        }
        api.post(
            "jobs/:id/steps",
            .add("Adds a step to such a job", StepOrder.self, JobResource.Step.self)
        ) { request, context in
            let id = try await ours(context)
            let order = try await request.read(StepOrder.self)
            let step = try await engine.addExternalStep(to: id, order.description, type: order.type)
            return try context.created(JobResource.Step(step))
        }
        api.action("jobs/:id/steps/:step/end", .act("Ends a step of such a job", JobEndResource.self, needsBody: false))
        { request, context in
            let id = try await ours(context)
            let body = try await request.readIfAny(JobEndResource.self)
            let step = try context.id(of: "step", at: "step")
            try await engine.endExternalStep(step, of: id, succeeded: body?.succeeded ?? true)
            return try context.complete()
        }
    }

    func all() async throws -> [JobResource] { try await engine.externalJobs().map { JobResource($0.job, $0.steps) } }

    /// `nil` for one of the engine's own.
    func one(_ id: UniqueID) async throws -> JobResource? {
        try await engine.externalJob(id).map { JobResource($0.job, $0.steps) }
    }

    /// The job of the path, unless it is the engine's own.
    private func ours(_ context: APIContext) async throws -> UniqueID {
        let id = try context.id(of: "job")
        guard try await engine.externalJob(id) == nil else { return id }
        let job = try await engine.job(id)
        throw Fault(
            .conflict,
            "Job \(job.id) is the engine's own: its steps are the engine's.",
            remedy: "Make a job with POST jobs, and give that one steps."
        )
    }
}

extension JobResource {
    init(_ record: ExternalJobRecord, _ steps: [ExternalStepRecord]) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("jobs", record.id.rawValue),
            description: record.description,
            status: record.status,
            start_time: WireTime.text(milliseconds: record.started),
            muster: Muster(kind: "external", steps: steps.map(Step.init))
        )
        end_time = record.ended.map { WireTime.text(milliseconds: $0) }
        last_updated = WireTime.text(milliseconds: steps.map { $0.ended ?? $0.started }.max() ?? record.started)
        if let end = end_time { last_updated = end }
        (external, auto_cleared) = ("true", record.isCleared ? "true" : "false")
        (correlation_id, owner) = (record.correlation, ResourceLink(id: record.user, name: record.user))
        link = [WireLink("steps", in: href)]
    }
}

extension JobResource.Step {
    init(_ record: ExternalStepRecord) {
        self.init(
            id: record.id.rawValue,
            number: String(record.number),
            name: record.type,
            description: record.description,
            status: record.status
        )
        type = record.type
        href = "\(ResourcePath.href("jobs", record.job.rawValue))/steps/\(record.id)"
        job = ResourcePath.link("jobs", record.job)
    }
}

extension JobResource: WirePlace { package var place: String? { href } }
extension JobResource.Step: WirePlace { package var place: String? { href } }
