import Engine
import HTTPTypes
import HostConversion
import HostModel
import Hummingbird

/// Servers that become hosts and go back: oVirt's `POST hosts` and `install`, our `uninstall` (docs/protocols.md, section 3).
struct ServerRoutes {
    let engine: HostEngine

    private static let query: [Call.Field] = [
        Call.Field("reboot", .flag, "Whether the server may be rebooted"), Call.dryRun,
        Call.Field("activate", .flag, "Whether the host goes into service; else into maintenance"),
        Call.Field("deploy_hosted_engine", .flag, "Only false"),
        Call.Field("undeploy_hosted_engine", .flag, "Only false"),
    ]

    private static let preflight = Call(
        "Looks at a server and changes nothing: first its host keys, to be confirmed; with them what was found on it",
        [.ok(PreflightResource.self)],
        body: Call.Body(content: .value(NewHostResource.self)),
        query: [Call.follow]
    )

    func add(to api: some RouterMethods<APIContext>) {
        api.post(
            "hosts",
            .add(
                "Makes a server a host, or announces a machine",
                NewHostResource.self,
                HostResource.self,
                or: [.nothing(204, "With dry_run: the server is fit")],
                query: Self.query
            )
        ) { request, context in
            let body = try await request.read(NewHostResource.self)
            let isDry = try ListQuery.isDryRun(request.query)
            if let arrival = body.muster?.arrival {
                guard !isDry else { throw Self.noTrial }
                let order = try ArrivalOrder(body, arrival)
                let host = try await engine.announce(order, by: context.user, correlation: context.correlation)
                return try context.created(HostResource(alone: host))
            }
            try Self.refuseOthers(request.query)
            let order = try ServerOrder(
                body,
                reboot: ListQuery.flag(request.query, "reboot"),
                activate: ListQuery.flag(request.query, "activate")
            )
            if isDry {
                try await engine.checkServer(order)
                return Response(status: .noContent)
            }
            var said = HostOrder()
            (said.comment, said.spm) = (body.comment, body.spm)
            try Self.check(said)
            let host = try await engine.addServer(order, by: context.user, correlation: context.correlation)
            guard said != HostOrder() else { return try context.created(HostResource(alone: host)) }
            try await engine.update(host.id, said, by: context.user, correlation: context.correlation)
            return try await context.created(HostResource(alone: engine.host(host.id)))
        }
        api.post("hosts/preflight", Self.preflight) { request, context in
            let body = try await request.read(NewHostResource.self)
            guard body.muster?.arrival == nil else { throw Self.noTrial }
            let look = try await engine.look(at: ServerOrder(body))
            return try await context.answer(PreflightResource(look))
        }
        api.action(
            "hosts/:id/install",
            .begin("Converts a server once more", ServerActionResource.self, needsBody: false)
        ) { request, context in
            let order = try ServerReorder(try await request.readIfAny(ServerActionResource.self))
            let id = try context.id(of: "host")
            let job = try await engine.reinstall(id, order, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        api.action(
            "hosts/:id/uninstall",
            .begin("Makes a host the server that it was", ServerActionResource.self, needsBody: false)
        ) { request, context in
            let order = try ServerReorder(try await request.readIfAny(ServerActionResource.self))
            let id = try context.id(of: "host")
            let job = try await engine.uninstall(id, order, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        addTranscript(to: api)
    }

    private static var noTrial: Fault {
        Fault(.badRequest, "An announcement of a machine cannot be tried.", remedy: "Send the announcement itself.")
    }

    /// What oVirt's call can do besides, and nothing here does: told, not passed over.
    private static func refuseOthers(_ query: FormFields) throws {
        for name in ["deploy_hosted_engine", "undeploy_hosted_engine"] where try ListQuery.flag(query, name) == true {
            throw Fault(.conflict, "This engine does not run on its own hosts.", remedy: "Leave \(name) out.")
        }
    }

    /// Before the server is touched.
    private static func check(_ said: HostOrder) throws {
        guard let priority = said.spm?.priority.value, !HostEngine.spmPriorities.contains(priority) else { return }
        let range = HostEngine.spmPriorities
        throw Fault(
            .badRequest,
            "spm.priority is a number from \(range.lowerBound) to \(range.upperBound).",
            remedy: "Send one of them; 5 is usual."
        )
    }

    private func addTranscript(to api: some RouterMethods<APIContext>) {
        api.get(
            "jobs/:id/transcript",
            Call(
                "What a conversion did, and what the programs of the server said",
                [.text("text/plain", "A line each")]
            )
        ) { _, context in
            let lines = try await engine.transcript(of: context.id(of: "job"))
            let text = lines.map { "\(WireTime.text(milliseconds: $0.time)) \($0.step): \($0.text)\n" }.joined()
            return Response.text(text)
        }
    }
}

extension PreflightResource {
    init(_ look: ServerLook) {
        self.init()
        (fingerprint, key_type) = (look.key?.fingerprint.rawValue, look.key?.type)
        (jump_fingerprint, jump_key_type) = (look.jumpKey?.fingerprint.rawValue, look.jumpKey?.type)
        guard let report = look.report else { return }
        (blocked, summary) = (report.isBlocked, report.summary)
        findings = report.findings.map(Finding.init)
    }
}
