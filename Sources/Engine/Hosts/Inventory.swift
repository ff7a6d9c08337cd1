import GRDB
import HostModel

extension HostEngine {
    package func networks() async throws(EngineError) -> [NetworkRecord] {
        try await store.read { try NetworkRecord.fetchAll(in: $0) }
    }

    package func clusters() async throws(EngineError) -> [ClusterRecord] {
        try await store.read { try ClusterRecord.fetchAll(in: $0) }
    }

    package func dataCenters() async throws(EngineError) -> [DataCenterRecord] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM dataCenter ORDER BY name").map { row in
                DataCenterRecord(id: row["id"], name: row["name"], description: row["description"])
            }
        }
    }
}

extension NetworkRecord {
    static func fetchAll(in db: Database) throws -> [NetworkRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM network ORDER BY name").map { row in
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

extension ClusterRecord {
    static func fetchAll(in db: Database) throws -> [ClusterRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM cluster ORDER BY name").map { row in
            ClusterRecord(
                id: row["id"],
                name: row["name"],
                description: row["description"],
                dataCenter: row["dataCenter"]
            )
        }
    }
}
