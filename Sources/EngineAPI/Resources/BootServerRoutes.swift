import Engine
import HostModel
import Hummingbird

/// `bootservers`: boot servers on other segments, and those that ask to be (docs/protocols.md, section 3). A name stands
/// wherever an id does.
struct BootServerRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let servers = api.group("bootservers")
        servers.get(.list("Boot servers on other segments", BootServerCollection.self)) { _, context in
            try await context.answer(BootServerCollection(await engine.bootServers().map(BootServerResource.init)))
        }
        servers.get(":id", .show("One boot server", BootServerResource.self)) { _, context in
            let wanted = Self.name(context)
            let known = try await engine.bootServers()
            guard let found = known.first(where: { $0.name.rawValue == wanted || $0.id.rawValue == wanted }) else {
                throw Fault.notFound("There is no such boot server.", remedy: "GET bootservers lists them.")
            }
            return try await context.answer(BootServerResource(found))
        }
        servers.delete(":id", .remove("Removes a boot server; its key counts no more")) { _, context in
            let user = context.user
            try await engine.removeBootServer(Self.name(context), by: user, correlation: context.correlation)
            return try context.complete()
        }
        servers.action(
            ":id/approve",
            .act(
                "Approves the boot server that shows this code",
                BootServerApproval.self,
                needsBody: false,
                query: [Call.Field("code", .text, "The code that it shows")]
            )
        ) { request, context in
            let typed = try await request.readIfAny(BootServerApproval.self)?.code
            try await engine.approveBootServer(
                Self.name(context),
                code: request.query["code"] ?? typed,
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        servers.action(":id/deny", .act("Turns away a boot server that waits")) { _, context in
            let user = context.user
            try await engine.denyBootServer(Self.name(context), by: user, correlation: context.correlation)
            return try context.complete()
        }
    }

    private static func name(_ context: APIContext) -> String { context.parameters.get("id") ?? "" }
}

extension BootServerResource {
    init(_ record: BootServerRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name.rawValue,
            status: record.status.rawValue,
            address: record.source,
            key_fingerprint: record.keyFingerprint,
            created: WireTime.text(milliseconds: record.created)
        )
        until = record.until.map { WireTime.text(milliseconds: $0) }
        certificate_end = record.certificateEnd.map { WireTime.text(milliseconds: $0) }
        last_heard = record.lastHeard.map { WireTime.text(milliseconds: $0) }
    }
}
