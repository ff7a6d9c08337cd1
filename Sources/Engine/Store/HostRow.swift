import GRDB
import HostModel

/// A host as it stands in the database, but for the agent's own capabilities: they are most of a row, and few ask for them
/// (`Store.capabilities`).
struct HostRow: Sendable, Hashable, Codable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "host"

    var id: UniqueID
    var name: HostName
    var address: String
    var port: UInt16
    var status: HostStatus
    var statusDetail: String?
    var cluster: UniqueID
    var comment = ""
    /// -1 (never) to 10.
    var spmPriority = 5
    var hardwareID: HardwareID?
    /// JSON of `HostFacts` and of `HostHardware`.
    var facts: String?
    var hardware: String?
    var lastSeen: Int64?
    var created: Int64
    /// The address that made a host known by itself; `nil` for one that a person made.
    var source: String?
    /// Grows with each change; a change is made only on the version that it was decided on.
    var version: Int64

    static let capabilitiesColumn = Column("capabilities")
    static var databaseSelection: [any SQLSelectable] { [.allColumns(excluding: [capabilitiesColumn])] }
}

extension HostRow {
    /// By hand, because a list reads ten thousand of them: GRDB's decoder of `Codable` takes several times as long.
    init(row: Row) throws {
        id = try row.decode(forColumn: "id")
        name = try row.decode(forColumn: "name")
        address = try row.decode(forColumn: "address")
        port = try row.decode(forColumn: "port")
        status = try row.decode(forColumn: "status")
        statusDetail = try row.decode(forColumn: "statusDetail")
        cluster = try row.decode(forColumn: "cluster")
        comment = try row.decode(forColumn: "comment")
        spmPriority = try row.decode(forColumn: "spmPriority")
        hardwareID = try row.decode(forColumn: "hardwareID")
        facts = try row.decode(forColumn: "facts")
        hardware = try row.decode(forColumn: "hardware")
        lastSeen = try row.decode(forColumn: "lastSeen")
        created = try row.decode(forColumn: "created")
        source = try row.decode(forColumn: "source")
        version = try row.decode(forColumn: "version")
    }

    static func require(_ id: UniqueID, in db: Database) throws -> HostRow {
        guard let host = try fetch(id, in: db) else { throw notFound(id) }
        return host
    }

    static func fetch(_ id: UniqueID, in db: Database) throws -> HostRow? {
        try HostRow.filter(Column("id") == id).fetchOne(db)
    }

    /// JSON as the agent wrote it; `nil` until it was heard.
    static func capabilities(of id: UniqueID, in db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT capabilities FROM host WHERE id = ?", arguments: [id])
    }

    static func notFound(_ id: UniqueID) -> EngineError {
        EngineError(.notFound, "There is no host \(id).", remedy: "`muster host list` shows the hosts.")
    }

    /// Writes the row if nobody changed it since it was read; otherwise nothing is written and the caller looks again.
    mutating func save(in db: Database) throws {
        let expected = version
        version += 1
        let row = self
        let columns = try db.columns(in: Self.databaseTableName).map(\.name)
            .filter { $0 != "id" && $0 != Self.capabilitiesColumn.name }
        let changed = try HostRow.filter(Column("id") == row.id && Column("version") == expected)
            .updateAll(db, try row.assignments(for: columns))
        guard changed == 1 else {
            throw EngineError(.conflict, "Host \(name) was changed by somebody else meanwhile.", remedy: "Try again.")
        }
    }

    private func assignments(for columns: [String]) throws -> [ColumnAssignment] {
        let values = try databaseDictionary
        return columns.map { Column($0).set(to: values[$0] ?? .null) }
    }
}

extension HostRow {
    /// A host that a machine made known and that waits for a person.
    static func waiting(
        _ name: HostName,
        at address: String,
        port: UInt16,
        in cluster: UniqueID,
        hardwareID: HardwareID,
        from source: String,
        facts: String? = nil,
        now: Int64
    ) -> HostRow {
        HostRow(
            id: .random(),
            name: name,
            address: address,
            port: port,
            status: .pendingApproval,
            statusDetail: nil,
            cluster: cluster,
            hardwareID: hardwareID,
            facts: facts,
            hardware: nil,
            lastSeen: now,
            created: now,
            source: source,
            version: 1
        )
    }
}
