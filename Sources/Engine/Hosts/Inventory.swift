import GRDB
package import HostModel

extension HostEngine {
    /// By name, unless the search has an order.
    package func networks(_ filter: ListFilter = .all) async throws(EngineError) -> [NetworkRecord] {
        let rest = try SearchTable.networks.rest(filter)
        return try await store.read { try NetworkRecord.fetchAll(rest, in: $0) }
    }

    package func network(_ id: UniqueID) async throws(EngineError) -> NetworkRecord {
        guard let network = try await networks().first(where: { $0.id == id }) else {
            throw EngineError(.notFound, "There is no network with this id.", remedy: "List them.")
        }
        return network
    }

    /// Those of the host's data center.
    func networks(of host: UniqueID) async throws(EngineError) -> [NetworkRecord] {
        try await store.read { db in
            let cluster = try ClusterRecord.require(HostRow.require(host, in: db).cluster, in: db)
            return try NetworkRecord.fetchAll(in: db).filter { $0.dataCenter == cluster.dataCenter }
        }
    }
}

extension NetworkRecord {
    static func fetchAll(_ rest: SQL = "ORDER BY name", in db: Database) throws -> [NetworkRecord] {
        try SQLRequest<Row>(literal: "SELECT * FROM network \(rest)").fetchAll(db).map { row in
            let usages: String = row["usages"]
            return NetworkRecord(
                id: row["id"],
                name: row["name"],
                description: row["description"],
                dataCenter: row["dataCenter"],
                mtu: row["mtu"],
                vlan: row["vlan"],
                usages: usages.split(separator: " ").map(String.init),
                isRequired: row["isRequired"],
                label: row["label"]
            )
        }
    }
}
