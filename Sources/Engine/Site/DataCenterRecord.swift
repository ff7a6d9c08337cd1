package import GRDB
package import HostModel

/// A container of clusters and networks.
package struct DataCenterRecord: SiteRecord {
    package typealias Resource = DataCenterResource
    package static let databaseTableName = "dataCenter"
    package static let (noun, command) = ("data center", "datacenter")
    /// USER_ADD_STORAGE_POOL and its like.
    package static let codes = SiteCodes(950, 952, 954)
    package static let search = SearchTable.dataCenters
    package static let hostsMaxRange = 1...100_000

    package var id: UniqueID
    package var name: String
    package var description: String
    package var comment = ""
    /// Hosts of its clusters together, without those that wait for approval.
    package var hostsMax = 200
    package var macPool: UniqueID?

    package init(id: UniqueID, in db: Database) throws { (self.id, name, description) = (id, "", "") }

    package mutating func take(_ order: DataCenterResource.Order, in db: Database) throws {
        if let comment = order.comment { self.comment = SiteText.description(comment) }
        if let pool = order.mac_pool { macPool = try MACPoolRecord.chosen(pool, in: db) }
        if let count = order.muster?.hosts_max?.value {
            guard Self.hostsMaxRange.contains(count) else {
                let range = Self.hostsMaxRange
                throw EngineError(
                    .invalid,
                    "A data center has room for \(range.lowerBound) to \(range.upperBound) hosts.",
                    remedy: "Give another number."
                )
            }
            hostsMax = count
        }
    }

    /// The engine reaches its hosts over a network that every data center has.
    package func completeNew(in db: Database) throws {
        try db.execute(
            literal: """
                INSERT INTO network (id, name, description, dataCenter, mtu, usages, isRequired)
                VALUES (\(UniqueID.random()), \(HostEngine.managementNetwork), 'Management network', \(id), 0,
                        'default_route display management migration vm', 1)
                """
        )
    }

    package func checkRemoval(in db: Database) throws {
        let clusters = try ClusterRecord.filter(Column("dataCenter") == id).order(Column("name")).fetchAll(db)
        guard clusters.isEmpty else {
            let names = clusters.prefix(5).map(\.name).joined(separator: ", ")
            throw EngineError(
                .conflict,
                "The data center \(name) has clusters: \(names)\(clusters.count > 5 ? ", …" : "").",
                remedy: "Remove them, or move them: `muster cluster update NAME --datacenter OTHER`."
            )
        }
        try db.execute(sql: "DELETE FROM network WHERE dataCenter = ?", arguments: [id])
    }
}

extension DataCenterRecord {
    /// How many hosts each has, without those that wait for approval.
    static func hostCounts(in db: Database) throws -> [UniqueID: Int] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT cluster.dataCenter, count(*) FROM host JOIN cluster ON cluster.id = host.cluster
                WHERE host.status <> 'pending_approval' GROUP BY cluster.dataCenter
                """
        )
        return rows.reduce(into: [:]) { $0[$1[0]] = $1[1] }
    }

    /// Throws when one host more in this cluster is one too many for its data center.
    static func checkRoom(for host: HostName, inDataCenterOf cluster: UniqueID, in db: Database) throws {
        let center = try require(ClusterRecord.require(cluster, in: db).dataCenter, in: db)
        let count = try Int.fetchOne(
            db,
            sql: """
                SELECT count(*) FROM host WHERE status <> 'pending_approval'
                AND cluster IN (SELECT id FROM cluster WHERE dataCenter = ?)
                """,
            arguments: [center.id]
        )
        guard (count ?? 0) >= center.hostsMax else { return }
        throw EngineError(
            .conflict,
            "The data center \(center.name) has \(count ?? 0) hosts and takes no more: \(host) has no room there.",
            remedy: "Use a cluster of another one, or `muster datacenter update \(center.name) --hosts-max NUMBER`."
        )
    }
}

extension HostEngine {
    /// Hosts of each data center and of each cluster, without those that wait for approval.
    package func hostCountsOfSite() async throws(EngineError) -> (
        dataCenters: [UniqueID: Int], clusters: [UniqueID: Int]
    ) {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT cluster, count(*) FROM host WHERE status <> 'pending_approval' GROUP BY cluster"
            )
            return (try DataCenterRecord.hostCounts(in: db), rows.reduce(into: [:]) { $0[$1[0]] = $1[1] })
        }
    }
}
