import Engine
import HostModel
import Hummingbird

/// Networks as they are found below a cluster: which of the data center's it has, and what its hosts need of each.
struct ClusterNetworkRoutes {
    let engine: HostEngine

    func add(to cluster: some RouterMethods<APIContext>) {
        addLooks(to: cluster)
        cluster.post(
            "networks",
            .add("Puts a network of the data center into a cluster", ClusterNetworkOrder.self, NetworkResource.self)
        ) { request, context in
            let record = try await found(context)
            let made = try await engine.addNetwork(
                try await request.read(ClusterNetworkOrder.self),
                toCluster: record.id,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.created(NetworkResource(made, centers(), in: record))
        }
        cluster.put(
            "networks/:network",
            .change("Says what hosts of a cluster need of a network", ClusterNetworkOrder.self, NetworkResource.self)
        ) { request, context in
            let record = try await found(context)
            let changed = try await engine.updateNetwork(
                context.id(of: "network", at: "network"),
                ofCluster: record.id,
                try await request.read(ClusterNetworkOrder.self),
                by: context.user,
                correlation: context.correlation
            )
            return try await context.answer(NetworkResource(changed, centers(), in: record))
        }
        cluster.delete("networks/:network", .remove("Takes a network out of a cluster")) { _, context in
            try await engine.removeNetwork(
                context.id(of: "network", at: "network"),
                fromCluster: context.id(of: "cluster"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        cluster.action(
            "syncallnetworks",
            .act("Makes anew what differs from the cluster's networks, on each of its hosts that is up")
        ) { _, context in
            try await engine.synchronizeNetworks(
                ofCluster: context.id(of: "cluster"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }

    private func addLooks(to cluster: some RouterMethods<APIContext>) {
        cluster.get("networks", InventoryRoutes.listed) { request, context in
            let (record, centers) = (try await found(context), try await centers())
            let query = try ListQuery(request.query, fields: NetworkResource.searchFields, limit: .max)
            let shown = try await engine.networks(ofCluster: record.id).map { NetworkResource($0, centers, in: record) }
            return try await context.answer(NetworkCollection(query.page(of: shown)))
        }
        cluster.get("networks/:network", .show("A network as one of a cluster", NetworkResource.self)) { _, context in
            let record = try await found(context)
            let network = try await engine.network(context.id(of: "network", at: "network"), ofCluster: record.id)
            return try await context.answer(NetworkResource(network, centers(), in: record))
        }
    }

    private func found(_ context: APIContext) async throws -> ClusterRecord {
        try await engine.one(ClusterRecord.self, context.id(of: "cluster"))
    }

    /// The names of data centers.
    private func centers() async throws -> [UniqueID: String] {
        try await engine.all(DataCenterRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
    }
}
