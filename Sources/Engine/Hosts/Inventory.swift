import GRDB
package import HostModel

extension HostEngine {
    package func networks() async throws(EngineError) -> [NetworkRecord] {
        try await store.read { try NetworkRecord.fetchAll(in: $0) }
    }

    package func network(_ id: UniqueID) async throws(EngineError) -> NetworkRecord {
        guard let network = try await networks().first(where: { $0.id == id }) else {
            throw EngineError(.notFound, "There is no network with this id.", remedy: "List them.")
        }
        return network
    }

    /// Those of the host's cluster, as the cluster has them.
    func networks(of host: UniqueID) async throws(EngineError) -> [NetworkRecord] {
        try await store.read { try NetworkRecord.fetchAll(of: HostRow.require(host, in: $0).cluster, in: $0) }
    }
}

extension NetworkRecord {
    static func fetchAll(in db: Database) throws -> [NetworkRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM network ORDER BY name").map { NetworkRecord($0) }
    }

    private init(_ row: Row) {
        let usages: String = row["usages"]
        self.init(
            id: row["id"],
            name: row["name"],
            description: row["description"],
            dataCenter: row["dataCenter"],
            mtu: row["mtu"],
            vlan: row["vlan"],
            usages: usages.split(separator: " ").map(String.init),
            isRequired: row["isRequired"],
            label: row["label"],
            comment: row["comment"]
        )
    }

    /// Those of a cluster: what hosts need of them, and what they are used for, is what the cluster says.
    static func fetchAll(of cluster: UniqueID, in db: Database) throws -> [NetworkRecord] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT network.*, clusterNetwork.usages AS usagesHere, clusterNetwork.isRequired AS isRequiredHere
                FROM clusterNetwork JOIN network ON network.id = clusterNetwork.network
                WHERE clusterNetwork.cluster = ? ORDER BY network.name
                """,
            arguments: [cluster]
        )
        return rows.map { row in
            var network = NetworkRecord(row)
            let here: String = row["usagesHere"]
            network.usages = Self.merged(network.usages, here.split(separator: " ").map(String.init))
            network.isRequired = row["isRequiredHere"]
            return network
        }
    }

    /// Whether it is for guests, or the management network, is said of the network; the rest of the cluster's.
    private static func merged(_ own: [String], _ here: [String]) -> [String] {
        usageNames.filter { (usagesOfNetwork.contains($0) ? own : here).contains($0) }
    }

    static let usageNames = ["default_route", "display", "management", "migration", "vm"]
    static let usagesOfNetwork: Set = ["management", "vm"]
}
