import GRDB
import HostModel

// Reading hosts, and the transitions that a person asks for beside approval.

extension Store {
    func hosts(matching filter: HostFilter) async throws(EngineError) -> [HostRecord] {
        // No field of a host is a time.
        let terms = SearchTerms(columns: HostSearch.columns, isCaseSensitive: filter.isCaseSensitive, now: 0)
        let condition = try terms.sql(filter.query.condition)
        let (rows, parts) = try await read { db in
            var request = HostRow.filter(literal: condition).order(literal: terms.order(filter.query.order))
            if let max = filter.max { request = request.limit(max, offset: (filter.query.page - 1) * max) }
            let rows = try request.fetchAll(db)
            return (rows, try HostParts(of: rows.map(\.id), in: db))
        }
        return await rows.inParallel { [described] part in part.compactMap { parts.record($0, described) } }.flatMap(
            \.self
        )
    }

    /// How many hosts have each status, as lists show it.
    func hostCounts() async throws(EngineError) -> [HostStatus: Int] {
        try await read { db in
            let rows = try SQLRequest<Row>(
                "SELECT \(HostSearch.shownStatus) AS shown, count(*) FROM host GROUP BY shown"
            )
            .fetchAll(db)
            return rows.reduce(into: [:]) { counts, row in
                if let status = HostStatus(rawValue: row[0]) { counts[status] = row[1] }
            }
        }
    }

    func host(_ id: UniqueID) async throws(EngineError) -> HostRecord {
        try await read { db in
            let row = try HostRow.require(id, in: db)
            guard let record = try HostParts(of: [id], in: db).record(row, described) else {
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
        try await read { db in
            _ = try HostRow.require(id, in: db)
            return try HostRow.capabilities(of: id, in: db)
        }
    }

}

/// What belongs to hosts and stands in other tables, by host: each table is asked once, however many hosts there are.
private struct HostParts: Sendable {
    /// More hosts than these are not named one by one: the tables are read whole.
    private static let namedMax = 500

    let claims: [UniqueID: [ClaimRow]]
    let certificates: [UniqueID: (subject: String, end: Int64)]
    var macs: [UniqueID: [MACAddress]] = [:]
    var profiles: [BootSchedule: [UniqueID: String]] = [:]
    let tags: [UniqueID: [String]]
    let affinityLabels: [UniqueID: [String]]
    let addresses: [UniqueID: IPv4Address]
    let servers: [UniqueID: ServerAccessRow]
    let powers: [UniqueID: PowerManagement]
    let clusters: [UniqueID: ClusterRecord]
    /// The active version of each image.
    let active: [String: String]

    init(of hosts: [UniqueID], in db: Database) throws {
        let isOfThem: SQL = hosts.count > Self.namedMax ? "1" : "host IN \(hosts)"
        claims = Dictionary(
            grouping: try ClaimRow.filter(literal: "state IN ('committed', 'pending') AND \(isOfThem)")
                .order(Column("created")).fetchAll(db),
            by: \.host
        )
        // One host is asked for again and again, in the same words.
        let isOne = hosts.count == 1
        func rows(_ sql: SQL) throws -> [Row] { try SQLRequest<Row>(literal: sql, cached: isOne).fetchAll(db) }
        certificates = try rows(
            "SELECT host, subject, issued FROM certificate WHERE revoked IS NULL AND \(isOfThem)"
        )
        .reduce(into: [:]) { found, row in
            guard let host: UniqueID = row["host"], let issued: Int64 = row["issued"] else { return }
            found[host] = (row["subject"], issued + Int64(CertificateAuthority.leafLifetime) * 1000)
        }
        for row in try rows("SELECT host, mac FROM hostMAC WHERE \(isOfThem) ORDER BY mac") {
            macs[row["host"], default: []].append(row["mac"])
        }
        for row in try rows("SELECT host, schedule, profile FROM bootAssignment WHERE \(isOfThem)") {
            profiles[row["schedule"], default: [:]][row["host"]] = row["profile"]
        }
        tags = try Self.marks(TagRecord.self, isOfThem, isOne: isOne, in: db)
        affinityLabels = try Self.marks(AffinityLabelRecord.self, isOfThem, isOne: isOne, in: db)
        addresses = try Store.fixedAddresses(in: db)
        let access = try ServerAccessRow.filter(literal: isOfThem).fetchAll(db)
        servers = Dictionary(access.map { ($0.host, $0) }) { first, _ in first }
        clusters = Dictionary(uniqueKeysWithValues: try ClusterRecord.fetchAll(db).map { ($0.id, $0) })
        active = try Row.fetchAll(db, sql: "SELECT name, version FROM image WHERE isActive = 1")
            .reduce(into: [:]) { $0[$1["name"]] = $1["version"] }
        powers = try rows("SELECT * FROM powerManagement WHERE \(isOfThem)")
            .reduce(into: [:]) { powers, row in powers[row["host"]] = PowerManagement(row) }
    }
}

extension HostParts {
    /// The host with all that belongs to it; `nil` for one whose cluster is gone.
    func record(_ row: HostRow, _ described: DescribedHosts) -> HostRecord? {
        guard let cluster = clusters[row.cluster] else { return nil }
        let description = described.description(of: row)
        let hardware = description.hardware
        let newest = hardware?.image.flatMap { active[$0.name.raw] }
        return HostRecord(
            id: row.id,
            name: row.name,
            address: row.address,
            port: row.port,
            status: row.status,
            statusDetail: row.statusDetail,
            cluster: cluster,
            comment: row.comment,
            spmPriority: row.spmPriority,
            tags: tags[row.id] ?? [],
            affinityLabels: affinityLabels[row.id] ?? [],
            hardwareID: row.hardwareID,
            facts: description.facts,
            hardware: hardware,
            claims: (claims[row.id] ?? []).map { ClaimRecord($0, of: row) },
            bootProfile: profiles[.always]?[row.id],
            nextBootProfile: profiles[.next]?[row.id],
            fixedAddress: addresses[row.id],
            macs: macs[row.id] ?? [],
            lastSeen: row.lastSeen,
            certificateSubject: certificates[row.id]?.subject,
            certificateEnd: certificates[row.id]?.end,
            newerImageVersion: newest == hardware?.image?.version.raw ? nil : newest,
            server: ColumnJSON.decode(servers[row.id]?.access),
            power: powers[row.id] ?? PowerManagement()
        )
    }

    private static func marks<Mark: HostMark>(
        _ kind: Mark.Type,
        _ isOfThem: SQL,
        isOne: Bool,
        in db: Database
    ) throws -> [UniqueID: [String]] {
        let (table, pairs) = (Mark.databaseTableName, Mark.pairs)
        let rows = try SQLRequest<Row>(
            literal: """
                SELECT host, name FROM \(sql: pairs.table) JOIN \(sql: table) ON id = \(sql: pairs.column)
                WHERE \(isOfThem) ORDER BY name
                """,
            cached: isOne
        ).fetchAll(db)
        return rows.reduce(into: [:]) { $0[$1["host"], default: []].append($1["name"]) }
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
