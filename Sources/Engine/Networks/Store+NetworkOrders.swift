import AgentWire
import GRDB
import HostModel

// How networks were ordered of hosts: what stays as it is when nobody speaks of it, and what a host is held against.

extension Store {
    /// In VDSM's attributes, by the network's id.
    func orderedNetworks(of host: UniqueID) async throws(EngineError) -> [UniqueID: NetworkAttributes] {
        try await read { try Self.orderedNetworks(of: host, in: $0) }
    }

    private static func orderedNetworks(
        of host: UniqueID,
        in db: Database
    ) throws -> [UniqueID: NetworkAttributes] {
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT network, attributes FROM networkOrder WHERE host = ?",
            arguments: [host]
        )
        return rows.reduce(into: [:]) { ordered, row in
            let members = ColumnJSON.decode(row["attributes"], as: [String: JSONValue].self) ?? [:]
            ordered[row["network"]] = NetworkAttributes(members.compactMapValues(AttributeValue.init))
        }
    }

    /// Keeps what a change ordered of the data center's networks; others are nobody's here.
    func keepOrders(_ change: SetupNetworksParameters, of host: UniqueID) async throws(EngineError) {
        guard !change.networks.isEmpty else { return }
        try await write { db in
            let ids = try Self.networkIDs(of: host, in: db)
            for (name, attributes) in change.networks {
                guard let network = ids[name] else { continue }
                try Self.keep(attributes["remove"]?.boolean == true ? nil : attributes, of: network, on: host, in: db)
            }
            let holder = change.networks.first { $0.value["defaultRoute"]?.boolean == true }?.key
            guard let holder else { return }
            // One network has the default route: the host takes it from the one that had it.
            for (network, var attributes) in try Self.orderedNetworks(of: host, in: db)
            where network != ids[holder] && attributes["defaultRoute"]?.boolean == true {
                (attributes.values["defaultRoute"], attributes.values["nameservers"]) = (nil, nil)
                try Self.keep(attributes, of: network, on: host, in: db)
            }
        }
    }

    /// By name, those of the host's cluster.
    private static func networkIDs(of host: UniqueID, in db: Database) throws -> [String: UniqueID] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT network.id, network.name FROM host
                JOIN clusterNetwork ON clusterNetwork.cluster = host.cluster
                JOIN network ON network.id = clusterNetwork.network WHERE host.id = ?
                """,
            arguments: [host]
        )
        return rows.reduce(into: [:]) { $0[$1["name"]] = $1["id"] }
    }

    private static func keep(
        _ attributes: NetworkAttributes?,
        of network: UniqueID,
        on host: UniqueID,
        in db: Database
    ) throws {
        guard let attributes else {
            try db.execute(
                sql: "DELETE FROM networkOrder WHERE host = ? AND network = ?",
                arguments: [host, network]
            )
            return
        }
        // How long a call takes is the call's.
        let kept = attributes.values.filter { $0.key != "blockingdhcp" }.mapValues(JSONValue.init)
        try db.execute(
            sql: "INSERT OR REPLACE INTO networkOrder (host, network, attributes) VALUES (?, ?, ?)",
            arguments: [host, network, try ColumnJSON.encode(kept)]
        )
    }
}

// Labels of nics.

extension Store {
    /// The nic of each label of a host.
    func nicLabels(of host: UniqueID) async throws(EngineError) -> [String: String] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT label, nic FROM nicLabel WHERE host = ?", arguments: [host])
                .reduce(into: [:]) { $0[$1["label"]] = $1["nic"] }
        }
    }

    /// Hosts of the clusters that have the network, or of one of them, which have a nic with the label; by name.
    func hosts(
        labelled label: String,
        for network: UniqueID,
        in cluster: UniqueID?
    ) async throws(EngineError) -> [UniqueID] {
        try await read { db in
            try UniqueID.fetchAll(
                db,
                sql: """
                    SELECT host.id FROM nicLabel JOIN host ON host.id = nicLabel.host
                    JOIN clusterNetwork ON clusterNetwork.cluster = host.cluster
                    WHERE label = :label AND clusterNetwork.network = :network
                        AND (:cluster IS NULL OR host.cluster = :cluster)
                    ORDER BY host.name
                    """,
                arguments: ["label": label, "network": network, "cluster": cluster]
            )
        }
    }

    /// `nil` takes the label away.
    func setNICLabels(_ labels: [String: String?], of host: UniqueID) async throws(EngineError) {
        guard !labels.isEmpty else { return }
        try await write { db in
            for (label, nic) in labels {
                guard let nic else {
                    try db.execute(
                        sql: "DELETE FROM nicLabel WHERE host = ? AND label = ?",
                        arguments: [host, label]
                    )
                    continue
                }
                try db.execute(
                    sql: "INSERT OR REPLACE INTO nicLabel (host, label, nic) VALUES (?, ?, ?)",
                    arguments: [host, label, nic]
                )
            }
        }
    }
}
