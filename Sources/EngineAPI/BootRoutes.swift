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
        router.post("boot/arrival") { request, _ in
            let question = try await request.json(BootRequest.self, limit: BodyLimit.boot)
            return try Response.json(await directory.issueArrival(question))
        }
        router.post("boot/kickstart/ticket") { request, _ in
            let question = try await request.json(BootRequest.self, limit: BodyLimit.boot)
            return try Response.json(await directory.issueKickstart(question))
        }
        router.post("boot/kickstart/fetch") { request, _ in
            let fetch = try await request.json(KickstartFetch.self, limit: BodyLimit.boot)
            return try Response.json(await directory.fetchKickstart(fetch))
        }
        router.post("boot/kickstart/report") { request, _ in
            let report = try await request.json(InstallReport.self, limit: BodyLimit.boot)
            return try Response.json(await directory.report(report))
        }
        router.post("boot/status") { request, _ in
            try await directory.report(status: request.json(BootStatus.self, limit: BodyLimit.bootStatus))
            return Response(status: .noContent)
        }
        router.get("boot/reservations") { _, _ in try Response.json(await directory.reservations()) }
        return router
    }
}
