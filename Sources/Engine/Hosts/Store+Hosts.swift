import GRDB
import HostModel

// Reading hosts, and the transitions that a person asks for beside approval.

extension Store {
    func hosts(matching filter: HostFilter) async throws(EngineError) -> [HostRecord] {
        try await read { db in
            var request = HostRow.order(Column("name"))
            if let pattern = filter.name { request = request.filter(literal: "name GLOB \(Self.glob(pattern))") }
            let records = try Self.records(of: request.fetchAll(db), in: db)
            return filter.status.map { wanted in records.filter { $0.shownStatus == wanted } } ?? records
        }
    }

    func host(_ id: UniqueID) async throws(EngineError) -> HostRecord {
        try await read { db in
            guard let record = try Self.records(of: [try HostRow.require(id, in: db)], in: db).first else {
                throw HostRow.notFound(id)
            }
            return record
        }
    }

    func claims(of id: UniqueID) async throws(EngineError) -> [ClaimRecord] {
        try await read { db in
            let host = try HostRow.require(id, in: db)
            return try ClaimRow.filter(Column("host") == id).order(Column("created")).fetchAll(db)
                .map { ClaimRecord($0, of: host) }
        }
    }

    func capabilities(of id: UniqueID) async throws(EngineError) -> String? {
        try await read { try HostRow.require(id, in: $0).capabilities }
    }

    /// Only `*` keeps its meaning; a host name has none of GLOB's other characters.
    private static func glob(_ pattern: String) -> String {
        String(pattern.lowercased().filter { $0 == "*" || $0 == "-" || $0 == "." || $0.isLetter || $0.isNumber })
    }

    private static func records(of rows: [HostRow], in db: Database) throws -> [HostRecord] {
        let clusters = Dictionary(uniqueKeysWithValues: try ClusterRecord.fetchAll(in: db).map { ($0.id, $0) })
        let ids = rows.map(\.id)
        let open: [ClaimProgress.State] = [.committed, .pending]
        let claims = try ClaimRow.filter(ids.contains(Column("host")) && open.contains(Column("state")))
            .order(Column("created")).fetchAll(db)
        let certificates = try CertificateRow.filter(ids.contains(Column("host")) && Column("revoked") == nil)
            .fetchAll(db)
        let macs = try Row.fetchAll(db, sql: "SELECT host, mac FROM hostMAC ORDER BY mac")
        let assignments = try Row.fetchAll(db, sql: "SELECT host, schedule, profile FROM bootAssignment")
        let fixed = try fixedAddresses(in: db)
        let servers = try ServerAccessRow.filter(ids.contains(Column("host"))).fetchAll(db)
        let managed = Set(try UniqueID.fetchAll(db, sql: "SELECT host FROM powerManagement"))
        let active = try Row.fetchAll(db, sql: "SELECT name, version FROM image WHERE isActive = 1")
            .reduce(into: [String: String]()) { $0[$1["name"]] = $1["version"] }
        return try rows.compactMap { row in
            guard let cluster = clusters[row.cluster] else { return nil }
            func profile(_ schedule: BootSchedule) -> String? {
                assignments.first { $0["host"] == row.id && $0["schedule"] == schedule }?["profile"]
            }
            let hardware: HostHardware? = ColumnJSON.decode(row.hardware)
            let newest = hardware?.image.flatMap { active[$0.name.raw] }
            return HostRecord(
                id: row.id,
                name: row.name,
                address: row.address,
                port: row.port,
                status: row.status,
                statusDetail: row.statusDetail,
                cluster: cluster,
                hardwareID: row.hardwareID,
                facts: ColumnJSON.decode(row.facts),
                hardware: hardware,
                claims: claims.filter { $0.host == row.id }.map { ClaimRecord($0, of: row) },
                bootProfile: profile(.always),
                nextBootProfile: profile(.next),
                fixedAddress: fixed[row.id],
                macs: macs.filter { $0["host"] == row.id }.map { $0["mac"] },
                lastSeen: row.lastSeen,
                certificateSubject: certificates.first { $0.host == row.id }?.subject,
                newerImageVersion: newest == hardware?.image?.version.raw ? nil : newest,
                server: ColumnJSON.decode(servers.first { $0.host == row.id }?.access),
                power: managed.contains(row.id) ? try powerManagement(of: row.id, in: db) : PowerManagement()
            )
        }
    }
}

extension ClaimRecord {
    init(_ row: ClaimRow, of host: HostRow) {
        (id, self.host, state, hardwareID) = (row.id, row.host, row.state, row.hardwareID)
        (name, address, port) = (host.name, row.address, row.port)
        (keyFingerprint, created, expires) = (Engine.keyFingerprint(row.publicKey), row.created, row.expires)
        facts = ColumnJSON.decode(row.facts) ?? HostFacts()
    }
}

extension Store {
    /// Forgets a host and revokes its key. Without `force` only a host that is not in use may go (ovirt.md 1.2).
    func remove(_ id: UniqueID, force: Bool, context: TransitionContext) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            guard force || host.status.isRemovable else {
                throw EngineError(
                    .conflict,
                    "Host \(host.name) is \(host.status.rawValue) and cannot be removed.",
                    remedy: "Shut it down first, or use --force."
                )
            }
            let wasConverted = try abortConversion(of: id, at: context.now, in: db)
            try CertificateRow.revoke(of: id, at: context.now, in: db)
            try HostRow.filter(Column("id") == id).deleteAll(db)
            let rest =
                wasConverted
                ? " The work on its server was given up: `sh \(ConversionLibrary.folder)/undo` on it takes back what was done."
                : ""
            let text = "Host \(host.name) was removed; its key is revoked.\(rest)"
            try record(
                Occurrence(
                    .hostRemoved,
                    .normal,
                    text,
                    host: host,
                    user: context.user,
                    correlation: context.correlation
                ),
                at: context.now,
                in: db
            )
        }
    }
}

extension HostStatus {
    /// Where oVirt lets a host be removed.
    var isRemovable: Bool {
        switch self {
        case .maintenance, .nonResponsive, .down, .unassigned, .installFailed, .pendingApproval, .nonOperational,
            .installingOS:
            true
        case .up, .error, .installing, .reboot, .preparingForMaintenance, .initializing, .connecting, .kdumping:
            false
        }
    }
}
