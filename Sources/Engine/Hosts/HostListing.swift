import GRDB
import HostModel

/// Hosts that were found, as the database has them. Each becomes a record where somebody looks at it, so that the stretches of a
/// long list are made by several tasks, and nobody holds ten thousand records at once.
package struct HostListing: RandomAccessCollection, Sendable {
    private let rows: [HostRow]
    private let parts: HostParts
    private let described: DescribedHosts
    private var figures: (book: StatisticsBook, now: Int64)?

    /// Leaves out hosts whose cluster is gone.
    init(_ rows: [HostRow], _ parts: HostParts, _ described: DescribedHosts) {
        self.rows =
            rows.allSatisfy { parts.clusters[$0.cluster] != nil }
            ? rows : rows.filter { parts.clusters[$0.cluster] != nil }
        (self.parts, self.described) = (parts, described)
    }

    /// With what each said last of what it does.
    func with(_ book: StatisticsBook, at now: Int64) -> HostListing {
        var listing = self
        listing.figures = (book, now)
        return listing
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { rows.count }

    package subscript(index: Int) -> HostRecord {
        let row = rows[index]
        guard let cluster = parts.clusters[row.cluster] else {
            preconditionFailure("looked at as the listing was made")
        }
        var record = parts.record(row, of: cluster, described.description(of: row))
        if let figures { record.figures = figures.book.figures(of: row.id, at: figures.now) }
        return record
    }
}

/// What belongs to hosts and stands in other tables, by host: each table is asked once, however many hosts there are.
struct HostParts: Sendable {
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
    fileprivate func record(
        _ row: HostRow,
        of cluster: ClusterRecord,
        _ description: DescribedHosts.Description
    ) -> HostRecord {
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
