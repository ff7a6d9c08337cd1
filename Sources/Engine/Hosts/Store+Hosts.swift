import GRDB
import HostModel

// Reading hosts, and the transitions that a person asks for beside approval.

extension Store {
    func hosts(matching filter: HostFilter) async throws(EngineError) -> HostListing {
        // No field of a host is a time.
        let terms = SearchTerms(columns: HostSearch.columns, isCaseSensitive: filter.isCaseSensitive, now: 0)
        let condition = try terms.sql(filter.query.condition)
        return try await read { [described] db in
            var request = HostRow.filter(literal: condition).order(literal: terms.order(filter.query.order))
            if let max = filter.max { request = request.limit(max, offset: (filter.query.page - 1) * max) }
            let rows = try request.fetchAll(db)
            return HostListing(rows, try HostParts(of: rows.map(\.id), in: db), described)
        }
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
            guard let found = HostListing([row], try HostParts(of: [id], in: db), described).first else {
                throw HostRow.notFound(id)
            }
            return found
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
