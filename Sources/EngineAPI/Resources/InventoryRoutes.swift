import Engine
import HostModel
import Hummingbird

/// `networks`, to look at.
struct InventoryRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        api.get("networks") { request, _ in
            let found = try await engine.networks(ListFilter(request.query))
            let centers = try await centers()
            return try Response.json(NetworkCollection(found.map { NetworkResource($0, centers) }))
        }
        api.get("networks/:id") { _, context in
            let id = try context.id(of: "network")
            let found = try await engine.networks().first { $0.id == id }
            return try Response.json(NetworkResource(Self.existing(found, "network"), await centers()))
        }
    }

    /// The names of data centers.
    private func centers() async throws -> [UniqueID: String] {
        try await engine.all(DataCenterRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
    }

    private static func existing<Record>(_ record: Record?, _ what: String) throws -> Record {
        guard let record else { throw Fault.notFound("There is no \(what) with this id.", remedy: "List them.") }
        return record
    }
}

extension NetworkResource {
    init(_ record: NetworkRecord, _ centers: [UniqueID: String] = [:]) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("networks", record.id.rawValue),
            name: record.name,
            mtu: String(record.mtu),
            usages: record.usages
        )
        description = record.description
        data_center = ResourcePath.link("datacenters", record.dataCenter, name: centers[record.dataCenter])
        (required, label) = (record.isRequired, record.label)
        vlan = record.vlan.map { VLAN(id: String($0)) }
    }
}
