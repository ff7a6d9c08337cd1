import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `datacenters/ID/clusters`: the clusters that are found there, as `clusters` has them.
struct ClustersOfDataCenter {
    let engine: HostEngine

    private typealias Order = ClusterResource.Order

    func add(to clusters: some RouterMethods<APIContext>) {
        clusters.get(
            .list(
                "The clusters of a data center",
                SiteCollection<ClusterResource>.self,
                fields: ClusterResource.searchFields
            )
        ) { request, context in
            let id = try await engine.one(DataCenterRecord.self, context.id(of: "data center")).id
            let records = try await engine.all(ClusterRecord.self).filter { $0.dataCenter == id }
            let query = try ListQuery(request.query, fields: ClusterResource.searchFields, limit: .max)
            return try await context.answer(SiteCollection(query.page(of: shown(records))))
        }
        clusters.post(.add("Makes a cluster in a data center", Order.self, ClusterResource.self)) { request, context in
            let id = try await engine.one(DataCenterRecord.self, context.id(of: "data center")).id
            var order = try await request.read(Order.self, ClusterResource.element)
            order.data_center = WireReference(id: id.rawValue)
            let made = try await engine.add(
                ClusterRecord.self,
                order,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.created(shown([made])[0])
        }
        clusters.get(":cluster", .show("A cluster of a data center", ClusterResource.self)) { _, context in
            try await context.answer(shown([cluster(context)])[0])
        }
        clusters.put(
            ":cluster",
            .change("Changes a cluster of a data center", Order.self, ClusterResource.self)
        ) { request, context in
            let order = try await request.read(Order.self, ClusterResource.element)
            let changed = try await engine.update(
                ClusterRecord.self,
                cluster(context).id,
                order,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.answer(shown([changed])[0])
        }
        clusters.delete(":cluster", .remove("Removes a cluster of a data center")) { _, context in
            let id = try await cluster(context).id
            try await engine.remove(ClusterRecord.self, id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }

    private func shown(_ records: [ClusterRecord]) async throws -> [ClusterResource] {
        try await SiteRoutes(engine: engine).clusters(records)
    }

    /// The cluster of the path, if it is of the path's data center.
    private func cluster(_ context: APIContext) async throws -> ClusterRecord {
        let center = try await engine.one(DataCenterRecord.self, context.id(of: "data center"))
        let found = try await engine.one(ClusterRecord.self, context.id(of: "cluster", at: "cluster"))
        guard found.dataCenter == center.id else {
            throw Fault.notFound(
                "The cluster \(found.name) is not of the data center \(center.name).",
                remedy: "GET clusters shows of which."
            )
        }
        return found
    }
}
