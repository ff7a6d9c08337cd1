import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `hosts/ID/kickstart`: the disks and the network with which a host is installed.
struct KickstartRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let hosts = api.group("hosts")
        hosts.get(
            ":id/kickstart",
            .show("The disks and the network with which a host is installed", HostKickstart.self)
        ) { _, context in
            try await context.answer(engine.hostKickstart(context.id(of: "host")))
        }
        hosts.put(":id/kickstart", .change("Sets them", HostKickstart.self, HostKickstart.self)) { request, context in
            let id = try context.id(of: "host")
            let settings = try await request.read(HostKickstart.self)
            try await engine.setHostKickstart(id, settings, by: context.user, correlation: context.correlation)
            return try await context.answer(engine.hostKickstart(id))
        }
        hosts.delete(":id/kickstart", .remove("Forgets them")) { _, context in
            let id = try context.id(of: "host")
            try await engine.setHostKickstart(id, nil, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }
}
