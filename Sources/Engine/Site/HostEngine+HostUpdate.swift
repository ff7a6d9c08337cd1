import GRDB
package import HostModel

extension HostEngine {
    package static let spmPriorities = -1...10

    /// Changes what people say of a host: name, comment, cluster, its rank as storage pool manager; and how
    /// its power is managed. All of it or nothing.
    package func update(
        _ id: UniqueID,
        _ order: HostOrder,
        power: PowerManagementChange? = nil,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let context = context(by: user, correlation)
        try await store.write { [store] db in
            if let power { try store.changePower(of: id, power, context: context, in: db) }
            let former = try HostRow.require(id, in: db)
            var host = former
            try host.take(order, in: db)
            guard host != former else { return }
            try host.save(in: db)
            if host.cluster != former.cluster { try Self.dropForeignOrders(of: id, in: db) }
            let name = former.name == host.name ? "\(host.name)" : "\(former.name), now \(host.name),"
            let text = "Host \(name) was changed."
            let occurrence = Occurrence(
                .hostUpdated,
                .normal,
                text,
                host: host,
                user: context.user,
                correlation: context.correlation
            )
            try store.record(occurrence, at: context.now, in: db)
        }
    }

    /// Networks that its new cluster does not have are nobody's on the host.
    private static func dropForeignOrders(of host: UniqueID, in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM networkOrder WHERE host = ? AND network NOT IN
                (SELECT clusterNetwork.network FROM clusterNetwork
                 JOIN host ON host.cluster = clusterNetwork.cluster WHERE host.id = ?)
                """,
            arguments: [host, host]
        )
    }
}

extension EventCode {
    /// USER_UPDATE_VDS.
    package static let hostUpdated = EventCode(rawValue: 43)
}

extension HostRow {
    fileprivate mutating func take(_ order: HostOrder, in db: Database) throws {
        if let text = order.name, text != name.rawValue { try rename(text, in: db) }
        if let comment = order.comment { self.comment = SiteText.description(comment) }
        if let priority = order.spm?.priority.value {
            guard HostEngine.spmPriorities.contains(priority) else {
                throw EngineError(.invalid, "A priority is -1 (never) to 10.", remedy: "5 is normal.")
            }
            spmPriority = priority
        }
        if let reference = order.cluster { try move(to: ClusterRecord.require(reference, in: db), in: db) }
    }

    private mutating func rename(_ text: String, in db: Database) throws {
        guard let wanted = HostName(text) else {
            throw EngineError(
                .invalid,
                "\"\(terminalEscaped(text.prefix(64)))\" is no host name.",
                remedy: "Give letters, digits, dots and hyphens."
            )
        }
        guard try HostRow.filter(Column("name") == wanted && Column("id") != id).isEmpty(db) else {
            throw EngineError(.conflict, "There is a host \(wanted) already.", remedy: "Choose another name.")
        }
        name = wanted
    }

    /// A host in service would be measured by other demands from one refresh to the next.
    private mutating func move(to other: ClusterRecord, in db: Database) throws {
        guard other.id != cluster else { return }
        guard [.maintenance, .pendingApproval, .installFailed, .installingOS].contains(status) else {
            throw EngineError(
                .conflict,
                "Host \(name) is \(status.rawValue); it goes to another cluster from maintenance only.",
                remedy: "`muster host maintenance \(name)`, then again."
            )
        }
        let centers = try (ClusterRecord.require(cluster, in: db).dataCenter, other.dataCenter)
        if centers.0 != centers.1, status != .pendingApproval {
            try DataCenterRecord.checkRoom(for: name, inDataCenterOf: other.id, in: db)
        }
        cluster = other.id
    }
}
