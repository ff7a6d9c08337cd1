import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// Servers that become hosts and go back: oVirt's `POST hosts` and `install`, our `uninstall` (docs/protocols.md, section 3).
struct ServerRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        api.post("hosts") { request, context in
            let body = try await request.read(NewHostResource.self)
            if let arrival = body.muster?.arrival {
                let order = try ArrivalOrder(body, arrival)
                let host = try await engine.announce(order, by: context.user, correlation: context.correlation)
                return try context.created(HostResource(alone: host))
            }
            let reboot = request.query["reboot"].map { $0 != "false" }
            let order = try ServerOrder(body, reboot: reboot)
            if request.query["dry_run"] == "true" {
                try await engine.checkServer(order)
                return Response(status: .noContent)
            }
            let host = try await engine.addServer(order, by: context.user, correlation: context.correlation)
            return try context.created(HostResource(alone: host))
        }
        api.action("hosts/:id/install") { request, context in
            let order = try ServerReorder(try await request.readIfAny(ServerActionResource.self))
            let id = try context.id(of: "host")
            let job = try await engine.reinstall(id, order, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        api.action("hosts/:id/uninstall") { request, context in
            let order = try ServerReorder(try await request.readIfAny(ServerActionResource.self))
            let id = try context.id(of: "host")
            let job = try await engine.uninstall(id, order, by: context.user, correlation: context.correlation)
            return try await context.begun(job)
        }
        api.get("jobs/:id/transcript") { _, context in
            let lines = try await engine.transcript(of: context.id(of: "job"))
            let text = lines.map { "\(WireTime.text(milliseconds: $0.time)) \($0.step): \($0.text)\n" }.joined()
            return Response.text(text)
        }
    }
}
