package import GRDB
package import HostModel

/// A word that hosts carry, in a tree below `root`.
package struct TagRecord: SiteRecord {
    package typealias Resource = TagResource
    package static let databaseTableName = "tag"
    package static let (noun, command) = ("tag", "tag")
    package static let codes = SiteCodes(20_080, 20_081, 20_082)
    package static let search = SearchTable.tags
    /// oVirt's `root_tag`.
    package static let rootID = "00000000-0000-0000-0000-000000000000"
    /// Levels below `root`.
    package static let depthMax = 16

    package var id: UniqueID
    package var name: String
    package var description: String
    /// `nil` for `root` alone.
    package var parent: UniqueID?

    package init(id: UniqueID, in db: Database) throws {
        (self.id, name, description) = (id, "", "")
        parent = UniqueID(rawValue: Self.rootID)
    }

    package mutating func take(_ order: TagResource.Order, in db: Database) throws {
        try checkNotRoot()
        guard let reference = order.parent else { return }
        let above = try TagRecord.require(reference, in: db)
        var (line, next) = ([above.id], above.parent)
        while let tag = next, line.count <= Self.depthMax {
            line.append(tag)
            next = try TagRecord.require(tag, in: db).parent
        }
        guard !line.contains(id) else {
            throw EngineError(.conflict, "The tag \(name) cannot stand below itself.", remedy: "Choose another parent.")
        }
        guard line.count <= Self.depthMax else {
            throw EngineError(.conflict, "Tags nest at most \(Self.depthMax) deep.", remedy: "Choose another parent.")
        }
        parent = above.id
    }

    /// Tags below it would go with it, unseen.
    package func checkRemoval(in db: Database) throws {
        try checkNotRoot()
        guard let child = try TagRecord.filter(Column("parent") == id).fetchOne(db) else { return }
        throw EngineError(
            .conflict,
            "Tags stand below \(name), \(child.name) among them.",
            remedy: "Remove them first, or give them another parent."
        )
    }

    private func checkNotRoot() throws {
        guard id.rawValue == Self.rootID else { return }
        throw EngineError(.conflict, "The tag root is everything's root.", remedy: "Leave it as it is.")
    }
}

/// What hosts are marked with, in a table of pairs.
package protocol HostMark: SiteRecord {
    /// The table, and its column beside `host`.
    static var pairs: (table: String, column: String) { get }
}

extension TagRecord: HostMark {
    package static let pairs = (table: "hostTag", column: "tag")
}

extension HostEngine {
    /// The host's own, by name.
    package func marks<Mark: HostMark>(_ kind: Mark.Type, of host: UniqueID) async throws(EngineError) -> [Mark] {
        try await store.read { db in
            _ = try HostRow.require(host, in: db)
            return try Mark.fetchAll(
                db,
                sql: """
                    SELECT * FROM \(Mark.databaseTableName) WHERE id IN
                    (SELECT \(Mark.pairs.column) FROM \(Mark.pairs.table) WHERE host = ?) ORDER BY name
                    """,
                arguments: [host]
            )
        }
    }

    /// Without effect where the host has it already.
    package func mark<Mark: HostMark>(
        _ kind: Mark.Type,
        _ reference: WireReference,
        on id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> Mark {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            let (host, mark) = (try HostRow.require(id, in: db), try Mark.require(reference, in: db))
            guard mark.id.rawValue != TagRecord.rootID else {
                throw EngineError(.conflict, "Every host is below the tag root.", remedy: "Choose another tag.")
            }
            try db.execute(
                sql: "INSERT OR IGNORE INTO \(Mark.pairs.table) (host, \(Mark.pairs.column)) VALUES (?, ?)",
                arguments: [id, mark.id]
            )
            guard db.changesCount > 0 else { return mark }
            let text = "Host \(host.name) has the \(Mark.noun) \(mark.name) now."
            try store.record(.marked(host, text, context), at: context.now, in: db)
            return mark
        }
    }

    package func unmark<Mark: HostMark>(
        _ kind: Mark.Type,
        _ reference: WireReference,
        on id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let context = context(by: user, correlation)
        try await store.write { [store] db in
            let (host, mark) = (try HostRow.require(id, in: db), try Mark.require(reference, in: db))
            try db.execute(
                sql: "DELETE FROM \(Mark.pairs.table) WHERE host = ? AND \(Mark.pairs.column) = ?",
                arguments: [id, mark.id]
            )
            guard db.changesCount > 0 else {
                throw EngineError(
                    .notFound,
                    "Host \(host.name) has no \(Mark.noun) \(mark.name).",
                    remedy: "`muster host show \(host.name)` shows what it has."
                )
            }
            let text = "Host \(host.name) has the \(Mark.noun) \(mark.name) no more."
            try store.record(.marked(host, text, context), at: context.now, in: db)
        }
    }
}

extension EventCode {
    /// Ours: a tag or an affinity label was put on a host or taken from it.
    package static let hostMarked = EventCode(rawValue: 20_086)
}

extension Occurrence {
    fileprivate static func marked(_ host: HostRow, _ text: String, _ context: TransitionContext) -> Occurrence {
        Occurrence(.hostMarked, .normal, text, host: host, user: context.user, correlation: context.correlation)
    }
}
