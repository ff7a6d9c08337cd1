import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// What changes networks: those of the data center, and those of a host (docs/protocols.md, section 3).
struct NetworkRoutes {
    let engine: HostEngine

    private struct Plan: Encodable {
        var plan: [String]
    }

    func add(to api: some RouterMethods<APIContext>) {
        addNetworks(to: api)
        addHosts(to: api.group("hosts"))
    }

    private func addNetworks(to api: some RouterMethods<APIContext>) {
        api.post("networks") { request, context in
            let order = try await request.json(NetworkOrder.self)
            let made = try await engine.addNetwork(order, by: context.user, correlation: context.correlation)
            return try Response.json(NetworkResource(made), status: .created)
        }
        api.put("networks/:id") { request, context in
            let order = try await request.json(NetworkOrder.self)
            let changed = try await engine.updateNetwork(
                context.id(of: "network"),
                order,
                by: context.user,
                correlation: context.correlation
            )
            return try Response.json(NetworkResource(changed))
        }
        api.delete("networks/:id") { _, context in
            let id = try context.id(of: "network")
            try await engine.removeNetwork(id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
    }

    private func addHosts(to hosts: some RouterMethods<APIContext>) {
        hosts.get(":id/networkattachments") { _, context in
            let found = try await engine.networkAttachments(of: context.id(of: "host"))
            return try Response.json(NetworkAttachmentCollection(found.map(NetworkAttachmentResource.init)))
        }
        hosts.post(":id/networkattachments") { request, context in
            let order = try await request.json(NetworkAttachmentOrder.self)
            let id = try context.id(of: "host")
            try await engine.attach(order, to: id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.delete(":id/networkattachments/:network") { _, context in
            let id = try context.id(of: "host")
            let network = try context.parameters.require("network")
            try await engine.detach(network, from: id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.post(":id/commitnetconfig") { _, context in
            let id = try context.id(of: "host")
            try await engine.commitNetworks(of: id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.post(":id/plannetworks") { request, context in
            let id = try context.id(of: "host")
            let plan = try await engine.planNetworks(try await request.json(HostNetworkOrder.self), on: id)
            return try Response.json(Plan(plan: plan))
        }
        hosts.post(":id/applynetworks") { request, context in
            let id = try context.id(of: "host")
            try await engine.setupNetworks(
                try await request.json(HostNetworkOrder.self),
                on: id,
                commit: request.query["commit"] == "true",
                by: context.user,
                correlation: context.correlation
            )
            return try Response.json(ActionResource(status: "complete"))
        }
    }
}

extension NetworkAttachmentResource {
    init(_ attachment: NetworkAttachment) {
        let network = attachment.network
        self.init(
            ResourceLink(
                id: network.id.rawValue,
                href: ResourcePath.href("networks", network.id.rawValue),
                name: network.name
            ),
            over: attachment.device,
            attachment.attributes.map { Configuration(name: $0.name, expected: $0.expected, actual: $0.actual) }
        )
    }
}
