import Engine
import HostModel
import Hummingbird

/// `networks`, `clusters` and `datacenters`: to look at, as far as the first line needs them.
struct InventoryRoutes {
    let engine: HostEngine

    private struct ClusterCollection: Encodable {
        var cluster: [NamedResource]
    }

    private struct DataCenterCollection: Encodable {
        var data_center: [NamedResource]
    }

    func add(to api: some RouterMethods<APIContext>) {
        api.get("networks") { request, _ in
            let found = try await Self.named(engine.networks(), \.name, request)
            return try Response.json(NetworkCollection(found.map(NetworkResource.init)))
        }
        api.get("networks/:id") { _, context in
            let id = try context.id(of: "network")
            let found = try await engine.networks().first { $0.id == id }
            return try Response.json(NetworkResource(Self.existing(found, "network")))
        }
        api.get("clusters") { request, _ in
            let found = try await Self.named(engine.clusters(), \.name, request)
            return try Response.json(ClusterCollection(cluster: found.map(NamedResource.init)))
        }
        api.get("clusters/:id") { _, context in
            let id = try context.id(of: "cluster")
            let found = try await engine.clusters().first { $0.id == id }
            return try Response.json(NamedResource(Self.existing(found, "cluster")))
        }
        api.get("datacenters") { request, _ in
            let found = try await Self.named(engine.dataCenters(), \.name, request)
            return try Response.json(DataCenterCollection(data_center: found.map(NamedResource.init)))
        }
        api.get("datacenters/:id") { _, context in
            let id = try context.id(of: "data center")
            let found = try await engine.dataCenters().first { $0.id == id }
            return try Response.json(NamedResource(Self.existing(found, "data center")))
        }
    }

    private static func named<Record>(
        _ records: [Record],
        _ name: (Record) -> String,
        _ request: Request
    ) throws -> ArraySlice<Record> {
        let query = request.query
        let wanted = try SearchExpression(query["search"] ?? "", fields: ["name"]).terms["name"]
        let found = records.filter { record in wanted.map { $0 == name(record) } ?? true }
        return found.prefix(try PageSize(query, limit: .max).count)
    }

    private static func existing<Record>(_ record: Record?, _ what: String) throws -> Record {
        guard let record else { throw Fault.notFound("There is no \(what) with this id.", remedy: "List them.") }
        return record
    }
}

extension NetworkResource {
    init(_ record: NetworkRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("networks", record.id.rawValue),
            name: record.name,
            mtu: String(record.mtu),
            usages: record.usages
        )
        description = record.description
        data_center = ResourcePath.link("datacenters", record.dataCenter)
        (required, label) = (record.isRequired, record.label)
        vlan = record.vlan.map { VLAN(id: String($0)) }
    }
}

extension NamedResource {
    init(_ record: ClusterRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("clusters", record.id.rawValue),
            name: record.name,
            description: record.description
        )
    }

    init(_ record: DataCenterRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("datacenters", record.id.rawValue),
            name: record.name,
            description: record.description
        )
    }
}
