import GRDB
import HostModel

// Whole transitions of conversions: record, host, transcript and events go together.

/// A host that is to be made of a server.
struct NewServer: Sendable {
    var name: HostName
    var address: String
    var port: UInt16
    /// Name or id; `nil`: the only one, or `Default`.
    var cluster: String?
    var access: ServerAccess
}

extension Store {
    static let clusterDefault = "Default"

    /// Stores the host and its conversion. Refuses a name or an address that another host has.
    func addServer(
        _ new: NewServer,
        _ options: ConversionOptions,
        context: TransitionContext
    ) async throws(EngineError) -> (host: UniqueID, job: UniqueID) {
        try await write { db in
            try Self.refuseTaken(new, in: db)
            let cluster = try Self.cluster(new.cluster, in: db)
            try DataCenterRecord.checkRoom(for: new.name, inDataCenterOf: cluster.id, in: db)
            let host = HostRow(
                id: .random(),
                name: new.name,
                address: new.address,
                port: new.port,
                status: .installing,
                cluster: cluster.id,
                created: context.now,
                version: 1
            )
            try host.inserted(db)
            var access = new.access
            access.options = options
            try ServerAccessRow.save(access, of: host.id, in: db)
            let text = "Host \(host.name) was added to cluster \(cluster.name)."
            try tell(.hostAdded, .normal, text, host, context, db)
            var details = ConversionRow.Details()
            details.options = options
            return (host.id, try insert(.convert, of: host, details, context, db))
        }
    }

    /// Whether `addServer` would be refused for what the engine knows already.
    func checkServer(_ new: NewServer) async throws(EngineError) {
        try await read { db in
            try Self.refuseTaken(new, in: db)
            let cluster = try Self.cluster(new.cluster, in: db)
            try DataCenterRecord.checkRoom(for: new.name, inDataCenterOf: cluster.id, in: db)
        }
    }

    private static func refuseTaken(_ new: NewServer, in db: Database) throws {
        if try HostRow.filter(Column("name") == new.name.rawValue).fetchCount(db) > 0 {
            throw EngineError(
                .conflict,
                "There is a host \(new.name) already.",
                remedy: "Choose another name; `muster host reinstall \(new.name)` repairs the one that is there."
            )
        }
        // What only claims to be there keeps nobody out.
        let sameAddress = HostRow.filter(
            Column("address") == new.address && Column("port") == Int(new.port)
                && Column("status") != HostStatus.pendingApproval
        )
        if let other = try sameAddress.fetchOne(db) {
            throw EngineError(
                .conflict,
                "The address \(terminalEscaped(new.address)) is that of host \(other.name) already.",
                remedy: "`muster host show \(other.name)` shows it; remove it first if the server is a new one."
            )
        }
    }

    static func cluster(_ wanted: String?, in db: Database) throws -> ClusterRecord {
        let clusters = try ClusterRecord.order(Column("name")).fetchAll(db)
        if let wanted {
            if let found = clusters.first(where: { $0.name == wanted || $0.id.rawValue == wanted }) { return found }
            throw EngineError(
                .notFound,
                "There is no cluster \(terminalEscaped(wanted.prefix(64))).",
                remedy: "There is: \(clusters.map(\.name).joined(separator: ", "))."
            )
        }
        if let found = clusters.first(where: { $0.name == clusterDefault }) ?? clusters.first { return found }
        throw EngineError(.notFound, "There is no cluster.", remedy: "Make one.")
    }

    /// Begins work on a host that is there: a conversion once more, or the way back.
    func beginConversion(
        _ kind: ConversionRow.Kind,
        of id: UniqueID,
        _ change: @escaping @Sendable (ServerAccess?) throws -> ServerAccess,
        _ choices: ConversionChoices,
        context: TransitionContext
    ) async throws(EngineError) -> UniqueID {
        try await write { db in
            var host = try HostRow.require(id, in: db)
            if let running = try ConversionRow.running(of: id, in: db) {
                throw EngineError(
                    .conflict,
                    "Host \(host.name) is at \(running.title) already.",
                    remedy: "`muster event list --watch --host \(host.name)` shows how far it is."
                )
            }
            try Self.refuseSwitched(host, in: db)
            var access = try change(try ServerAccessRow.fetch(id, in: db))
            var details = ConversionRow.Details()
            details.options = choices.applied(to: try access.options ?? Self.lastOptions(of: id, in: db))
            access.options = details.options
            try ServerAccessRow.save(access, of: id, in: db)
            details.wasInMaintenance = host.status == .maintenance
            details.hadFailed = host.status == .installFailed
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            let signal: HostLife.Signal = kind == .uninstall ? .removalBegan : .conversionBegan
            do { try live(&host, &life, signal, context: context, in: db) } catch let error as EngineError
                where error.kind == .conflict
            {
                throw EngineError(
                    .conflict,
                    "Host \(host.name) is \(host.status.rawValue); that does not allow this now.",
                    remedy: "`muster host show \(host.name)` shows where it stands; wait until its work has ended."
                )
            }
            return try insert(kind, of: host, details, context, db)
        }
    }

    private static func lastOptions(of host: UniqueID, in db: Database) throws -> ConversionOptions {
        let last = try ConversionRow.filter(Column("host") == host).order(Column("started").desc).fetchOne(db)
        return last?.detail.options ?? ConversionOptions()
    }

    private func insert(
        _ kind: ConversionRow.Kind,
        of host: HostRow,
        _ details: ConversionRow.Details,
        _ context: TransitionContext,
        _ db: Database
    ) throws -> UniqueID {
        let first = kind == .uninstall ? ConversionSteps.uninstall : ConversionSteps.before
        let row = ConversionRow(
            id: .random(),
            kind: kind,
            host: host.id,
            hostName: host.name,
            state: .started,
            stage: .server,
            steps: try ColumnJSON.encode(first),
            details: try ColumnJSON.encode(details),
            started: context.now,
            user: context.user,
            correlation: context.correlation
        )
        try row.insert(db)
        let code: EventCode = kind == .uninstall ? .uninstallStarted : .conversionStarted
        try tell(code, .normal, "Host \(host.name): \(row.title) has begun.", host, context, db)
        try forgetOldConversions(of: host.id, in: db)
        return row.id
    }

    private func forgetOldConversions(of host: UniqueID, in db: Database) throws {
        try db.execute(
            literal: """
                DELETE FROM conversion WHERE host = \(host) AND state <> 'started' AND id NOT IN (
                    SELECT id FROM conversion WHERE host = \(host)
                    ORDER BY started DESC LIMIT \(ConversionRow.keptPerHost))
                """
        )
        try db.execute(
            literal: """
                DELETE FROM conversion WHERE id IN (
                    SELECT id FROM conversion WHERE state <> 'started'
                    ORDER BY started DESC LIMIT -1 OFFSET \(ConversionRow.keptMax))
                """
        )
    }

    func tell(
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        _ host: HostRow,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        let occurrence = Occurrence(
            code,
            severity,
            text,
            host: host,
            user: context.user,
            correlation: context.correlation
        )
        try record(occurrence, at: context.now, in: db)
    }
}

extension HostRow {
    fileprivate func inserted(_ db: Database) throws {
        var row = self
        try row.insert(db)
    }
}
