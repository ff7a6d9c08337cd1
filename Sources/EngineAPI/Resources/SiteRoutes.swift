import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// `datacenters`, `clusters`, `tags`, `affinitylabels`, `macpools` and `schedulingpolicies`; and what hosts are marked with.
struct SiteRoutes {
    let engine: HostEngine

    private struct PolicyCollection: Encodable {
        var scheduling_policy: [ResourceLink]
    }

    func add(to api: some RouterMethods<APIContext>) {
        add(DataCenterRecord.self, to: api) { records in
            let (counts, pools) = (try await engine.hostCountsOfSite().dataCenters, try await pools())
            return records.map { DataCenterResource($0, pools: pools, hosts: counts[$0.id] ?? 0) }
        }
        add(ClusterRecord.self, to: api) { records in
            let counts = try await engine.hostCountsOfSite().clusters
            let centers = try await engine.all(DataCenterRecord.self)
            let names = centers.reduce(into: [:]) { $0[$1.id] = $1.name }
            let pools = try await pools()
            return records.map { ClusterResource($0, centers: names, pools: pools, hosts: counts[$0.id] ?? 0) }
        }
        add(TagRecord.self, to: api) { records in try await tags(records) }
        add(AffinityLabelRecord.self, to: api) { records in try await labels(records) }
        add(MACPoolRecord.self, to: api) { $0.map(MACPoolResource.init) }
        addMarks(TagRecord.self, to: api) { records in try await tags(records) }
        addMarks(AffinityLabelRecord.self, to: api) { records in try await labels(records) }
        api.get("schedulingpolicies") { _, _ in
            try Response.json(PolicyCollection(scheduling_policy: SchedulingPolicy.allCases.map(\.link)))
        }
    }

    /// The names of MAC pools.
    private func pools() async throws -> [UniqueID: String] {
        try await engine.all(MACPoolRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
    }

    private func tags(_ records: [TagRecord]) async throws -> [TagResource] {
        let names = try await engine.all(TagRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
        return records.map { TagResource($0, names: names) }
    }

    private func labels(_ records: [AffinityLabelRecord]) async throws -> [AffinityLabelResource] {
        let hosts = try await engine.hostsOfAffinityLabels()
        return records.map { AffinityLabelResource($0, hosts: hosts[$0.id] ?? []) }
    }

    /// List, show, make, change and remove.
    private func add<Record: SiteRecord>(
        _ kind: Record.Type,
        to api: some RouterMethods<APIContext>,
        _ shown: @escaping @Sendable ([Record]) async throws -> [Record.Resource]
    ) {
        let group = api.group(RouterPath(Record.Resource.collection))
        group.get { request, _ in
            let found = try await engine.all(kind, ListFilter(request.query))
            return try Response.json(SiteCollection(try await shown(found)))
        }
        group.get(":id") { _, context in
            let record = try await engine.one(kind, context.id(of: Record.noun))
            return try Response.json(try await shown([record])[0])
        }
        group.post { request, context in
            let order = try await request.json(Record.Resource.Order.self)
            let made = try await engine.add(kind, order, by: context.user, correlation: context.correlation)
            return try Response.json(try await shown([made])[0], status: .created)
        }
        group.put(":id") { request, context in
            let id = try context.id(of: Record.noun)
            let order = try await request.json(Record.Resource.Order.self)
            let changed = try await engine.update(kind, id, order, by: context.user, correlation: context.correlation)
            return try Response.json(try await shown([changed])[0])
        }
        group.delete(":id") { _, context in
            let id = try context.id(of: Record.noun)
            try await engine.remove(kind, id, by: context.user, correlation: context.correlation)
            return try Response.json(ActionResource(status: "complete"))
        }
    }

    /// `hosts/ID/tags` and its like: what a host has, more of it, and less.
    private func addMarks<Mark: HostMark>(
        _ kind: Mark.Type,
        to api: some RouterMethods<APIContext>,
        _ shown: @escaping @Sendable ([Mark]) async throws -> [Mark.Resource]
    ) {
        let group = api.group(RouterPath("hosts/:id/\(Mark.Resource.collection)"))
        group.get { _, context in
            let marks = try await engine.marks(kind, of: context.id(of: "host"))
            return try Response.json(SiteCollection(try await shown(marks)))
        }
        group.post { request, context in
            let id = try context.id(of: "host")
            let reference = try await request.json(WireReference.self)
            let mark = try await engine.mark(
                kind,
                reference,
                on: id,
                by: context.user,
                correlation: context.correlation
            )
            return try Response.json(try await shown([mark])[0], status: .created)
        }
        group.delete(":mark") { _, context in
            let reference = WireReference(id: try context.parameters.require("mark"))
            try await engine.unmark(
                kind,
                reference,
                on: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try Response.json(ActionResource(status: "complete"))
        }
    }
}
