package import GRDB
package import HostModel

/// Hosts and guests that belong together. Kept and shown; nothing places guests yet.
package struct AffinityLabelRecord: SiteRecord, HostMark {
    package typealias Resource = AffinityLabelResource
    package static let databaseTableName = "affinityLabel"
    package static let (noun, command) = ("affinity label", "affinity-label")
    package static let codes = SiteCodes(20_083, 20_084, 20_085)
    package static let search = SearchTable.affinityLabels
    package static let pairs = (table: "hostAffinityLabel", column: "affinityLabel")

    package var id: UniqueID
    package var name: String
    package var description: String
    /// oVirt's `has_implicit_affinity_group`.
    package var isImplicit = false

    package init(id: UniqueID, in db: Database) throws { (self.id, name, description) = (id, "", "") }

    package mutating func take(_ order: AffinityLabelResource.Order, in db: Database) throws {
        isImplicit = order.has_implicit_affinity_group ?? isImplicit
    }
}

extension HostEngine {
    /// The hosts of each affinity label, by name.
    package func hostsOfAffinityLabels() async throws(EngineError) -> [UniqueID: [(id: UniqueID, name: HostName)]] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT affinityLabel, host.id, host.name FROM hostAffinityLabel
                    JOIN host ON host.id = hostAffinityLabel.host ORDER BY host.name
                    """
            )
            return rows.reduce(into: [:]) { $0[$1[0], default: []].append((id: $1[1], name: $1[2])) }
        }
    }
}
