import GRDB
package import HostModel

// Networks of a cluster: which of the data center's it has, and what its hosts need of each.

extension HostEngine {
    /// By name, as the cluster has them.
    package func networks(ofCluster id: UniqueID) async throws(EngineError) -> [NetworkRecord] {
        try await store.read { db in
            _ = try ClusterRecord.require(id, in: db)
            return try NetworkRecord.fetchAll(of: id, in: db)
        }
    }

    package func network(_ id: UniqueID, ofCluster cluster: UniqueID) async throws(EngineError) -> NetworkRecord {
        try await store.read { try ClusterRecord.require(cluster, in: $0).network(id, in: $0) }
    }

    /// Puts a network of the data center into the cluster, or, where it is in it, says anew what the cluster's hosts need of it.
    /// As in oVirt, hosts must carry it where the order does not say that they need not. A network with a label goes on the nics
    /// of the cluster's hosts that have the same.
    package func addNetwork(
        _ order: ClusterNetworkOrder,
        toCluster id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> NetworkRecord {
        let context = context(by: user, correlation)
        let network = try await store.write { [store] db in
            let cluster = try ClusterRecord.require(id, in: db)
            let found = try cluster.networkOfDataCenter(order, in: db)
            let isNew = try !NetworkRecord.fetchAll(of: id, in: db).contains { $0.id == found.id }
            try db.execute(
                literal: """
                    INSERT OR IGNORE INTO clusterNetwork (cluster, network, usages, isRequired)
                    VALUES (\(id), \(found.id), \(found.usages.joined(separator: " ")), 1)
                    """
            )
            var wanted = order
            wanted.required = order.required ?? true
            let network = try cluster.change(found.id, by: wanted, in: db)
            let text =
                "Network \(network.name) \(isNew ? "was added to" : "was changed in") the cluster \(cluster.name)."
            let code: EventCode = isNew ? .networkAttachedToCluster : .clusterNetworkUpdated
            try store.record(network.occurrence(code, text, context), at: context.now, in: db)
            return network
        }
        try await spread(network, in: id, by: user, correlation: correlation)
        return network
    }

    /// What is left out stays as it is.
    package func updateNetwork(
        _ network: UniqueID,
        ofCluster id: UniqueID,
        _ order: ClusterNetworkOrder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> NetworkRecord {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            let cluster = try ClusterRecord.require(id, in: db)
            let network = try cluster.change(network, by: order, in: db)
            let text = "Network \(network.name) was changed in the cluster \(cluster.name)."
            try store.record(network.occurrence(.clusterNetworkUpdated, text, context), at: context.now, in: db)
            return network
        }
    }

    /// Takes a network out of the cluster. It leaves the nics that carry it for its label; other hosts that carry it go on
    /// carrying it, and it is unmanaged there.
    package func removeNetwork(
        _ network: UniqueID,
        fromCluster id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let context = context(by: user, correlation)
        let found = try await self.network(network, ofCluster: id)
        guard !found.isManagement else {
            throw EngineError(
                .conflict,
                "\(found.name) is the management network and stays in every cluster.",
                remedy: "The engine reaches its hosts over it."
            )
        }
        try await letGo(found, instead: nil, in: id, by: user, correlation: correlation)
        try await store.write { [store] db in
            let cluster = try ClusterRecord.require(id, in: db)
            _ = try cluster.network(network, in: db)
            try db.execute(literal: "DELETE FROM clusterNetwork WHERE cluster = \(id) AND network = \(network)")
            try db.execute(
                literal: """
                    DELETE FROM networkOrder WHERE network = \(network)
                        AND host IN (SELECT id FROM host WHERE cluster = \(id))
                    """
            )
            let text = "Network \(found.name) was removed from the cluster \(cluster.name)."
            try store.record(found.occurrence(.networkDetachedFromCluster, text, context), at: context.now, in: db)
        }
    }
}

extension HostEngine {
    /// So many hosts that failed are named in one answer.
    private static let failuresNamed = 5

    /// `synchronizeNetworks(of:)` on each host of the cluster that is up, a few at a time; a host that refuses stops no other.
    /// Ends with an error that names those that are not in sync, and what the first of them said.
    package func synchronizeNetworks(
        ofCluster id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let hosts = try await store.read { db in
            _ = try ClusterRecord.require(id, in: db)
            return try HostRow.filter(Column("cluster") == id && Column("status") == HostStatus.up.rawValue)
                .order(Column("name")).fetchAll(db).map { (id: $0.id, name: $0.name.rawValue) }
        }
        let failures = await failures(on: hosts.map(\.id), stopsAtFirst: false) { [self] host throws(EngineError) in
            try await synchronizeNetworks(of: host, by: user, correlation: correlation)
        }
        guard let first = failures.first else { return }
        let names = hosts.filter { host in failures.contains { $0.host == host.id } }.map(\.name)
        let more = names.count > Self.failuresNamed ? ", …" : ""
        throw EngineError(
            first.error.kind,
            "\(names.count) of \(hosts.count) hosts are not in sync (\(names.prefix(Self.failuresNamed).joined(separator: ", "))\(more)). \(first.error.detail)",
            remedy: first.error.remedy ?? "Order the same once more when they are well."
        )
    }
}

extension EventCode {
    /// NETWORK_ATTACH_NETWORK_TO_CLUSTER, NETWORK_DETACH_NETWORK_TO_CLUSTER.
    package static let networkAttachedToCluster = EventCode(rawValue: 946)
    package static let networkDetachedFromCluster = EventCode(rawValue: 948)
    /// Ours: what a cluster's hosts need of a network was changed.
    package static let clusterNetworkUpdated = EventCode(rawValue: 20_102)
}

extension ClusterRecord {
    fileprivate func network(_ network: UniqueID, in db: Database) throws -> NetworkRecord {
        if let found = try NetworkRecord.fetchAll(of: id, in: db).first(where: { $0.id == network }) { return found }
        let known = try NetworkRecord.existing(network, among: try NetworkRecord.fetchAll(in: db))
        throw EngineError(
            .notFound,
            "The cluster \(name) does not have the network \(known.name).",
            remedy: "Add it: POST clusters/ID/networks, or `muster cluster network \(name) add \(known.name)`."
        )
    }

    fileprivate func networkOfDataCenter(_ order: ClusterNetworkOrder, in db: Database) throws -> NetworkRecord {
        let all = try NetworkRecord.fetchAll(in: db).filter { $0.dataCenter == dataCenter }
        let named = order.id.map { id in all.first { $0.id.rawValue == id.lowercased() } }
        guard let found = named ?? all.first(where: { $0.name == order.name }) else {
            let text = terminalEscaped((order.name ?? order.id ?? "").prefix(64))
            throw EngineError(
                .notFound,
                "The data center of \(name) has no network \(text).",
                remedy: "GET datacenters/ID/networks lists them; `muster network add NAME` makes one."
            )
        }
        return found
    }

    /// The network as the cluster has it then.
    fileprivate func change(_ id: UniqueID, by order: ClusterNetworkOrder, in db: Database) throws -> NetworkRecord {
        var network = try network(id, in: db)
        if let required = order.required {
            guard required || !network.isManagement else {
                throw EngineError(
                    .invalid,
                    "The management network is always required.",
                    remedy: "Leave required true."
                )
            }
            network.isRequired = required
        }
        if let usages = order.usages?.usage { network.usages = try network.usages(ordered: usages) }
        try db.execute(
            literal: """
                UPDATE clusterNetwork SET usages = \(network.usages.joined(separator: " ")),
                    isRequired = \(network.isRequired)
                WHERE cluster = \(self.id) AND network = \(id)
                """
        )
        return network
    }
}

extension NetworkRecord {
    /// What it is used for in a cluster. `vm` and `management` are the network's own and stay as they are; an order may name
    /// them, as oVirt's clients send back what they read.
    fileprivate func usages(ordered: [String]) throws -> [String] {
        let unknown = ordered.filter { !Self.usageNames.contains($0) }
        guard unknown.isEmpty else {
            throw EngineError(
                .invalid,
                "Usages are \(Self.usageNames.joined(separator: ", ")).",
                remedy: "Give some of them."
            )
        }
        if let strange = Self.usagesOfNetwork.sorted().first(where: { ordered.contains($0) && !usages.contains($0) }) {
            throw EngineError(
                .conflict,
                "The network \(name) is not one for \(strange), and a cluster does not make it one.",
                remedy: "Change the network itself: PUT networks/ID."
            )
        }
        return Self.usageNames.filter { (Self.usagesOfNetwork.contains($0) ? usages : ordered).contains($0) }
    }

    /// What is changed of the network itself changes in all its clusters that had the same: oVirt's clients send back all that
    /// they read, and a cluster's own word stands.
    func setInClusters(instead former: NetworkRecord, in db: Database) throws {
        if isRequired != former.isRequired {
            try db.execute(
                literal: """
                    UPDATE clusterNetwork SET isRequired = \(isRequired)
                    WHERE network = \(id) AND isRequired = \(former.isRequired)
                    """
            )
        }
        guard usages != former.usages else { return }
        let (now, before) = (usages.joined(separator: " "), former.usages.joined(separator: " "))
        try db.execute(
            literal: "UPDATE clusterNetwork SET usages = \(now) WHERE network = \(id) AND usages = \(before)"
        )
    }
}
