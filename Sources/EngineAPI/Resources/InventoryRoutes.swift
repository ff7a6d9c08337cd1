import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `networks`, to look at; and where else they and clusters are found: below their data center and their clusters.
struct InventoryRoutes {
    let engine: HostEngine

    static let listed = Call.list(
        "Networks",
        NetworkCollection.self,
        fields: NetworkResource.searchFields
    )

    func add(to api: some RouterMethods<APIContext>) {
        api.get("networks", Self.listed) { request, context in
            try await list(engine.networks(), request, context)
        }
        api.get("networks/:id", .show("A network", NetworkResource.self)) { _, context in
            try await context.answer(NetworkResource(network(context.id(of: "network")), centers()))
        }
        addDataCenters(to: api.group("datacenters/:id"))
        ClustersOfDataCenter(engine: engine).add(to: api.group("datacenters/:id/clusters"))
        ClusterNetworkRoutes(engine: engine).add(to: api.group("clusters/:id"))
    }

    private func addDataCenters(to center: some RouterMethods<APIContext>) {
        center.get("networks", Self.listed) { request, context in
            let id = try await engine.one(DataCenterRecord.self, context.id(of: "data center")).id
            return try await list(engine.networks().filter { $0.dataCenter == id }, request, context)
        }
        center.post(
            "networks",
            .add("Makes a network in a data center", NetworkOrder.self, NetworkResource.self)
        ) { request, context in
            var order = try await request.read(NetworkOrder.self)
            order.data_center = WireReference(id: try context.id(of: "data center").rawValue)
            let made = try await engine.addNetwork(order, by: context.user, correlation: context.correlation)
            try await engine.spread(made, by: context.user, correlation: context.correlation)
            return try await context.created(NetworkResource(made, centers()))
        }
        center.get("networks/:network", .show("A network of a data center", NetworkResource.self)) { _, context in
            try await context.answer(NetworkResource(networkOfCenter(context), centers()))
        }
        center.put(
            "networks/:network",
            .change("Changes a network of a data center", NetworkOrder.self, NetworkResource.self)
        ) { request, context in
            let found = try await networkOfCenter(context)
            let order = try await request.read(NetworkOrder.self)
            return try await context.answer(NetworkResource(change(found, order, context), centers()))
        }
        center.delete("networks/:network", .remove("Removes a network of a data center")) { _, context in
            let found = try await networkOfCenter(context)
            try await engine.removeNetwork(found.id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }

    private func list(
        _ found: [NetworkRecord],
        _ request: Request,
        _ context: APIContext
    ) async throws -> Response {
        let query = try ListQuery(request.query, fields: NetworkResource.searchFields, limit: .max)
        let centers = try await centers()
        let shown = found.map { NetworkResource($0, centers) }
        return try await context.answer(NetworkCollection(query.page(of: shown)))
    }

    private func change(
        _ network: NetworkRecord,
        _ order: NetworkOrder,
        _ context: APIContext
    ) async throws -> NetworkRecord {
        guard order != NetworkOrder() else { return network }
        let changed = try await engine.updateNetwork(
            network.id,
            order,
            by: context.user,
            correlation: context.correlation
        )
        if order.label != nil { try await engine.spread(changed, by: context.user, correlation: context.correlation) }
        return changed
    }

    private func networkOfCenter(_ context: APIContext) async throws -> NetworkRecord {
        let center = try await engine.one(DataCenterRecord.self, context.id(of: "data center"))
        let found = try await network(context.id(of: "network", at: "network"))
        guard found.dataCenter == center.id else { throw Self.notHere(found) }
        return found
    }

    private static func notHere(_ network: NetworkRecord) -> Fault {
        .notFound("The network \(network.name) is of another data center.", remedy: "GET networks shows of which.")
    }

    /// The names of data centers.
    private func centers() async throws -> [UniqueID: String] {
        try await engine.all(DataCenterRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
    }

    private func network(_ id: UniqueID) async throws -> NetworkRecord {
        guard let found = try await engine.networks().first(where: { $0.id == id }) else {
            throw Fault.notFound("There is no network with this id.", remedy: "List them.")
        }
        return found
    }
}

extension NetworkResource {
    init(_ record: NetworkRecord, _ centers: [UniqueID: String] = [:], in cluster: ClusterRecord? = nil) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("networks", record.id.rawValue),
            name: record.name,
            mtu: String(record.mtu),
            usages: record.usages
        )
        (description, comment) = (record.description, record.comment)
        data_center = ResourcePath.link("datacenters", record.dataCenter, name: centers[record.dataCenter])
        (required, label) = (record.isRequired, record.label)
        vlan = record.vlan.map { VLAN(id: String($0)) }
        (stp, port_isolation) = (false, false)
        link = [WireLink("networklabels", in: href)]
        guard let cluster else { return }
        self.cluster = ResourcePath.link("clusters", cluster.id, name: cluster.name)
        href = "\(ResourcePath.href("clusters", cluster.id.rawValue))/networks/\(record.id)"
        status = "operational"
    }
}
