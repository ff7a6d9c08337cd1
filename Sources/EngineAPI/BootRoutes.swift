import BootServer
import HTTPTypes
import HostModel
import Hummingbird

/// BootDirectory as muster-boot asks it (docs/protocols.md, section 2). Who may connect to the socket may ask.
struct BootRoutes {
    let directory: any BootDirectory

    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: FaultMiddleware())
        router.post("boot/answer") { request, _ in
            let question = try await request.json(BootRequest.self, limit: BodyLimit.boot)
            return try Response.json(await directory.answer(question))
        }
        router.post("boot/events") { request, _ in
            let events = try await request.json([BootEvent].self, limit: BodyLimit.boot)
            guard events.count <= BodyLimit.bootEvents else {
                throw Fault(.contentTooLarge, "That is over \(BodyLimit.bootEvents) events.", remedy: "Send fewer.")
            }
            try await directory.record(events)
            return Response(status: .noContent)
        }
        router.get("boot/reservations") { _, _ in try Response.json(await directory.reservations()) }
        return router
    }
}
