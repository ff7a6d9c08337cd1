import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// What changes networks: those of the data center, and those of a host (docs/protocols.md, section 3).
struct NetworkRoutes {
    let engine: HostEngine

    /// What would be done, a line each.
    struct Plan: Codable, WireDocument {
        static let element = "network_plan"
        var plan: [String]
    }

    private typealias Field = Call.Field

    private static let planned = Call(
        "What a host would do for a change in VDSM's words; nothing is changed",
        [.ok(Plan.self)],
        body: .init(content: .value(HostNetworkOrder.self), isJSONOnly: true)
    )

    func add(to api: some RouterMethods<APIContext>) {
        addNetworks(to: api)
        addLabels(to: api.group("networks"))
        addHosts(to: api.group("hosts"))
        addSetup(to: api.group("hosts"))
        addNICs(to: api.group("hosts"))
    }

    private func addNetworks(to api: some RouterMethods<APIContext>) {
        api.post("networks", .add("Makes a network", NetworkOrder.self, NetworkResource.self)) { request, context in
            let order = try await request.read(NetworkOrder.self)
            let made = try await engine.addNetwork(order, by: context.user, correlation: context.correlation)
            try await engine.spread(made, by: context.user, correlation: context.correlation)
            return try await context.created(NetworkResource(made, centers()))
        }
        api.put(
            "networks/:id",
            .change("Changes a network", NetworkOrder.self, NetworkResource.self)
        ) { request, context in
            let order = try await request.read(NetworkOrder.self)
            let changed = try await engine.updateNetwork(
                context.id(of: "network"),
                order,
                by: context.user,
                correlation: context.correlation
            )
            if order.label != nil {
                try await engine.spread(changed, by: context.user, correlation: context.correlation)
            }
            return try await context.answer(NetworkResource(changed, centers()))
        }
        api.delete("networks/:id", .remove("Removes a network")) { _, context in
            let id = try context.id(of: "network")
            try await engine.removeNetwork(id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }

    /// oVirt's way to a network's label, of which a network has one.
    private func addLabels(to networks: some RouterMethods<APIContext>) {
        networks.get(":id/networklabels", .list("The label of a network", NICLabelCollection.self)) { _, context in
            let id = try context.id(of: "network")
            let label = try await engine.network(id).label
            return try await context.answer(NICLabelCollection(label.map { [NICLabelResource(id: $0, of: id)] } ?? []))
        }
        networks.get(":id/networklabels/:label", .show("The label of a network", NICLabelResource.self)) { _, context in
            let (id, wanted) = (try context.id(of: "network"), try context.parameters.require("label"))
            guard try await engine.network(id).label == wanted else {
                throw Fault.notFound("The network has no label \(wanted.prefix(64)).", remedy: "List its labels.")
            }
            return try await context.answer(NICLabelResource(id: wanted, of: id))
        }
        networks.post(
            ":id/networklabels",
            .add("Gives a network its label", NICLabelResource.self, NICLabelResource.self)
        ) { request, context in
            let (network, label) = (try context.id(of: "network"), try await request.read(NICLabelResource.self))
            try await setLabel(label.id, context)
            return try context.created(NICLabelResource(id: label.id, of: network))
        }
        networks.delete(":id/networklabels/:label", .remove("Takes the label from a network")) { _, context in
            try await setLabel("", context)
            return try context.complete()
        }
    }

    /// The names of data centers.
    private func centers() async throws -> [UniqueID: String] {
        try await engine.all(DataCenterRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
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

    private func addHosts(to hosts: some RouterMethods<APIContext>) {
        hosts.action(":id/commitnetconfig", .act("What runs on a host now is what it starts with")) { _, context in
            let id = try context.id(of: "host")
            try await engine.commitNetworks(of: id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        hosts.action(":id/plannetworks", Self.planned) { request, context in
            let id = try context.id(of: "host")
            let plan = try await engine.planNetworks(try await request.json(HostNetworkOrder.self), on: id)
            return try await context.answer(Plan(plan: plan))
        }
        hosts.action(
            ":id/applynetworks",
            .act(
                "Changes the networks of a host in VDSM's words",
                HostNetworkOrder.self,
                isJSONOnly: true,
                query: [Field("commit", .flag, "Kept for its next start")]
            )
        ) { request, context in
            let id = try context.id(of: "host")
            try await engine.setupNetworks(
                try await request.json(HostNetworkOrder.self),
                on: id,
                commit: request.query["commit"] == "true",
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }
}

extension NetworkRoutes {
    /// What a host's networks stand on, asked of it now.
    private func addNICs(to hosts: some RouterMethods<APIContext>) {
        hosts.get(
            ":id/nics",
            .list(
                "The cards, bonds and VLAN devices of a host, as it has them now",
                ReportedNICCollection.self,
                asksHost: true
            )
        ) { _, context in
            try await context.answer(ReportedNICCollection(nics(of: context.id(of: "host"))))
        }
        hosts.get(
            ":id/nics/:nic",
            .show("A card, bond or VLAN device", ReportedNICResource.self, asksHost: true)
        ) { _, context in try await context.answer(nic(context))
        }
    }

    private func nics(of id: UniqueID) async throws -> [ReportedNICResource] {
        let host = try await engine.host(id)
        let (report, known) = try await engine.reportedNetworks(of: id)
        return ReportedNICs(of: id, name: host.name.rawValue, report, known).all
    }

    private func nic(_ context: APIContext) async throws -> ReportedNICResource {
        let name = try context.parameters.require("nic")
        guard let found = try await nics(of: context.id(of: "host")).first(where: { $0.name == name }) else {
            throw Fault.noNIC(name)
        }
        return found
    }
}

// oVirt's own: attachments, bonds and labels in one order.

extension NetworkRoutes {
    private func addSetup(to hosts: some RouterMethods<APIContext>) {
        hosts.action(
            ":id/setupnetworks",
            .act("Changes attachments, bonds and labels of a host in one order", SetupNetworksResource.self)
        ) { request, context in
            try await setUp(try await request.read(SetupNetworksResource.self), context)
        }
        hosts.action(
            ":id/nics/:nic/updatevirtualfunctionsconfiguration",
            .act("Gives a card virtual functions", VirtualFunctionsAction.self)
        ) { request, context in
            try await engine.setVirtualFunctions(
                try await request.read(VirtualFunctionsAction.self).virtual_functions_configuration,
                of: try context.parameters.require("nic"),
                on: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        hosts.get(":id/nics/:nic/networklabels", .list("The labels of a nic", NICLabelCollection.self)) { _, context in
            let nic = try context.parameters.require("nic")
            let labels = try await engine.nicLabels(of: context.id(of: "host")).filter { $0.value == nic }
            return try await context.answer(NICLabelCollection(Self.resources(labels)))
        }
        hosts.get(
            ":id/networklabels",
            .list("The labels of all nics of a host", NICLabelCollection.self)
        ) { _, context in
            let labels = try await engine.nicLabels(of: context.id(of: "host"))
            return try await context.answer(NICLabelCollection(Self.resources(labels)))
        }
        hosts.post(
            ":id/nics/:nic/networklabels",
            .act("Gives a nic a label", NICLabelResource.self)
        ) { request, context in
            var label = try await request.read(NICLabelResource.self)
            label.host_nic = WireReference(name: try context.parameters.require("nic"))
            var order = SetupNetworksResource()
            order.modified_labels = NICLabelCollection([label])
            return try await setUp(order, context)
        }
        hosts.delete(":id/nics/:nic/networklabels/:label", .remove("Takes a label from a nic")) { _, context in
            let label = NICLabelResource(id: try context.parameters.require("label"))
            var order = SetupNetworksResource()
            order.removed_labels = NICLabelCollection([label])
            return try await setUp(order, context)
        }
    }

    private func setUp(_ order: SetupNetworksResource, _ context: APIContext) async throws -> Response {
        let id = try context.id(of: "host")
        try await engine.setupNetworks(order, on: id, by: context.user, correlation: context.correlation)
        return try context.complete()
    }

    private static func resources(_ labels: [String: String]) -> [NICLabelResource] {
        labels.sorted { $0.key < $1.key }.map { NICLabelResource(id: $0.key, nic: $0.value) }
    }
}

extension NICLabelResource {
    fileprivate init(id: String, of network: UniqueID) {
        self.init(id: id)
        href = "\(ResourcePath.href("networks", network.rawValue))/networklabels/\(id)"
    }
}

extension Fault {
    static func noNIC(_ name: String) -> Fault {
        .notFound("The host has no nic \(name.prefix(64)).", remedy: "GET hosts/ID/nics lists them.")
    }
}
