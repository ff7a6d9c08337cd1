import BootServer
import HTTPTypes
import HostModel
import Hummingbird

/// BootDirectory as boot servers ask it (docs/protocols.md, section 2): the engine's own over its Unix socket, where who may
/// connect may ask, and those of other segments over mutual TLS. One table for both.
struct BootRoutes: Sendable {
    /// Whose question it is; throws for whom nothing is answered.
    let directory: @Sendable (APIContext) async throws -> any BootDirectory

    /// For a socket of its own.
    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: FaultMiddleware())
        add(to: router)
        return router
    }

    func add(to router: some RouterMethods<APIContext>) {
        answer(router, "boot/answer", BootRequest.self) { try Response.json(await $0.answer($1)) }
        answer(router, "boot/arrival", BootRequest.self) { try Response.json(await $0.issueArrival($1)) }
        answer(router, "boot/kickstart/ticket", BootRequest.self) { try Response.json(await $0.issueKickstart($1)) }
        answer(router, "boot/kickstart/fetch", KickstartFetch.self) { try Response.json(await $0.fetchKickstart($1)) }
        answer(router, "boot/kickstart/report", InstallReport.self) { try Response.json(await $0.report($1)) }
        router.post("boot/events") { request, context in
            let directory = try await directory(context)
            let events = try await request.json([BootEvent].self, limit: BodyLimit.boot)
            guard events.count <= BodyLimit.bootEvents else {
                throw Fault(.contentTooLarge, "That is over \(BodyLimit.bootEvents) events.", remedy: "Send fewer.")
            }
            try await directory.record(events)
            return Response(status: .noContent)
        }
        router.post("boot/status") { request, context in
            let directory = try await directory(context)
            try await directory.report(status: request.json(BootStatus.self, limit: BodyLimit.bootStatus))
            return Response(status: .noContent)
        }
        router.get("boot/reservations") { _, context in
            try Response.json(await directory(context).reservations())
        }
    }

    private func answer<Question: Decodable & Sendable & SendableMetatype>(
        _ router: some RouterMethods<APIContext>,
        _ path: RouterPath,
        _ type: Question.Type,
        _ ask: @escaping @Sendable (any BootDirectory, Question) async throws -> Response
    ) {
        router.post(path) { request, context in
            let directory = try await directory(context)
            let question = try await request.json(type, limit: BodyLimit.boot)
            return try await ask(directory, question)
        }
    }
}
