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
        addLabels(to: api.group("networks"))
        addHosts(to: api.group("hosts"))
        addSetup(to: api.group("hosts"))
    }

    private func addNetworks(to api: some RouterMethods<APIContext>) {
        api.post("networks") { request, context in
            let order = try await request.json(NetworkOrder.self)
            let made = try await engine.addNetwork(order, by: context.user, correlation: context.correlation)
            try await engine.spread(made, by: context.user, correlation: context.correlation)
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
            if order.label != nil {
                try await engine.spread(changed, by: context.user, correlation: context.correlation)
            }
            return try Response.json(NetworkResource(changed))
        }
        api.delete("networks/:id") { _, context in
            let id = try context.id(of: "network")
            try await engine.removeNetwork(id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
    }

    /// oVirt's way to a network's label, of which a network has one.
    private func addLabels(to networks: some RouterMethods<APIContext>) {
        networks.get(":id/networklabels") { _, context in
            let id = try context.id(of: "network")
            let label = try await engine.network(id).label
            return try Response.json(NICLabelCollection(label.map { [NICLabelResource(id: $0)] } ?? []))
        }
        networks.post(":id/networklabels") { request, context in
            let label = try await request.json(NICLabelResource.self)
            try await setLabel(label.id, context)
            return try Response.json(NICLabelResource(id: label.id), status: .created)
        }
        networks.delete(":id/networklabels/:label") { _, context in
            try await setLabel("", context)
            return try Response.json(ActionResource(status: "complete"))
        }
    }

    private func setLabel(_ label: String, _ context: APIContext) async throws {
        var order = NetworkOrder()
        order.label = label
        let changed = try await engine.updateNetwork(
            context.id(of: "network"),
            order,
            by: context.user,
            correlation: context.correlation
        )
        try await engine.spread(changed, by: context.user, correlation: context.correlation)
    }

    private static func isDryRun(_ request: Request) -> Bool { request.query["dry_run"] == "true" }

    private func addHosts(to hosts: some RouterMethods<APIContext>) {
        hosts.get(":id/networkattachments") { _, context in
            let found = try await engine.networkAttachments(of: context.id(of: "host"))
            return try Response.json(NetworkAttachmentCollection(found.map(NetworkAttachmentResource.init)))
        }
        hosts.post(":id/networkattachments") { request, context in
            let order = try await request.json(NetworkAttachmentOrder.self)
            let id = try context.id(of: "host")
            guard !Self.isDryRun(request) else {
                return try Response.json(Plan(plan: try await engine.planAttachment(order, to: id)))
            }
            try await engine.attach(order, to: id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.delete(":id/networkattachments/:network") { request, context in
            let id = try context.id(of: "host")
            let network = try context.parameters.require("network")
            guard !Self.isDryRun(request) else {
                return try Response.json(Plan(plan: try await engine.planDetachment(network, from: id)))
            }
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

// oVirt's own: attachments, bonds and labels in one order.

extension NetworkRoutes {
    private func addSetup(to hosts: some RouterMethods<APIContext>) {
        hosts.post(":id/setupnetworks") { request, context in
            try await setUp(try await request.json(SetupNetworksResource.self), context)
        }
        hosts.post(":id/nics/:nic/updatevirtualfunctionsconfiguration") { request, context in
            try await engine.setVirtualFunctions(
                try await request.json(VirtualFunctionsAction.self).virtual_functions_configuration,
                of: try context.parameters.require("nic"),
                on: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try Response.json(ActionResource(status: "complete"))
        }
        hosts.get(":id/nics/:nic/networklabels") { _, context in
            let nic = try context.parameters.require("nic")
            let labels = try await engine.nicLabels(of: context.id(of: "host")).filter { $0.value == nic }
            return try Response.json(NICLabelCollection(Self.resources(labels)))
        }
        hosts.get(":id/networklabels") { _, context in
            let labels = try await engine.nicLabels(of: context.id(of: "host"))
            return try Response.json(NICLabelCollection(Self.resources(labels)))
        }
        hosts.post(":id/nics/:nic/networklabels") { request, context in
            var label = try await request.json(NICLabelResource.self)
            label.host_nic = WireReference(name: try context.parameters.require("nic"))
            return try await setUp(.committing { $0.modified_labels = NICLabelCollection([label]) }, context)
        }
        hosts.delete(":id/nics/:nic/networklabels/:label") { _, context in
            let label = NICLabelResource(id: try context.parameters.require("label"))
            return try await setUp(.committing { $0.removed_labels = NICLabelCollection([label]) }, context)
        }
    }

    private func setUp(_ order: SetupNetworksResource, _ context: APIContext) async throws -> Response {
        let id = try context.id(of: "host")
        try await engine.setupNetworks(order, on: id, by: context.user, correlation: context.correlation)
        return try Response.json(ActionResource(status: "complete"))
    }

    private static func resources(_ labels: [String: String]) -> [NICLabelResource] {
        labels.sorted { $0.key < $1.key }.map { NICLabelResource(id: $0.key, nic: $0.value) }
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
        ip_address_assignments = .init(attachment.assignments)
    }
}
