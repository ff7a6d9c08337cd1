package import GRDB
package import HostModel

/// A kind of thing that a site is ordered by. What all of them share (names, references, events, refusals) stands in
/// `HostEngine`'s extension below; what a kind is itself stands with its record.
package protocol SiteRecord: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    associatedtype Resource: SiteResource where Resource.Order: SiteOrder

    var id: UniqueID { get }
    var name: String { get set }
    var description: String { get set }

    /// For sentences: `data center`.
    static var noun: String { get }
    /// The command that lists them.
    static var command: String { get }
    static var codes: SiteCodes { get }
    /// What may be searched for.
    static var search: SearchTable { get }

    /// A new one with every default.
    init(id: UniqueID, in db: Database) throws
    /// Checks and takes what is the kind's own.
    mutating func take(_ order: Resource.Order, in db: Database) throws
    /// Once it stands in its table.
    func completeNew(in db: Database) throws
    /// Throws while something needs it.
    func checkRemoval(in db: Database) throws
}

extension SiteRecord {
    package func completeNew(in db: Database) throws {}
    package func checkRemoval(in db: Database) throws {}
}

/// What every order has.
package protocol SiteOrder {
    var name: String? { get }
    var description: String? { get }
}

extension DataCenterResource.Order: SiteOrder {}
extension ClusterResource.Order: SiteOrder {}
extension TagResource.Order: SiteOrder {}
extension AffinityLabelResource.Order: SiteOrder {}
extension MACPoolResource.Order: SiteOrder {}

/// The events of a kind.
package struct SiteCodes: Sendable {
    package var added: EventCode
    package var updated: EventCode
    package var removed: EventCode

    init(_ added: Int, _ updated: Int, _ removed: Int) {
        self.added = EventCode(rawValue: added)
        self.updated = EventCode(rawValue: updated)
        self.removed = EventCode(rawValue: removed)
    }
}

/// Names, descriptions and comments.
package enum SiteText {
    package static let nameMax = 40
    package static let descriptionMax = 1024

    /// Letters and digits of ASCII, and `. _ -` within: they land in searches, paths and tables.
    package static func isName(_ text: String) -> Bool {
        (1...nameMax).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
            && text.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                        || "._-".unicodeScalars.contains($0))
            }
    }

    static func description(_ text: String) -> String { String(text.prefix(descriptionMax)) }
}

extension HostEngine {
    /// By name, unless the search has an order.
    package func all<Record: SiteRecord>(
        _ kind: Record.Type,
        _ filter: ListFilter = .all
    ) async throws(EngineError) -> [Record] {
        let rest = try Record.search.rest(filter)
        return try await store.read { db in
            try SQLRequest<Record>(literal: "SELECT * FROM \(sql: Record.databaseTableName) \(rest)").fetchAll(db)
        }
    }

    package func one<Record: SiteRecord>(_ kind: Record.Type, _ id: UniqueID) async throws(EngineError) -> Record {
        try await store.read { try Record.require(id, in: $0) }
    }

    package func add<Record: SiteRecord>(
        _ kind: Record.Type,
        _ order: Record.Resource.Order,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> Record {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            guard order.name != nil else {
                throw EngineError(.invalid, "A new \(Record.noun) needs a name.", remedy: "Give one.")
            }
            var record = try Record(id: .random(), in: db)
            try record.takeAll(order, in: db)
            try record.insert(db)
            try record.completeNew(in: db)
            try store.tell(Record.codes.added, "The \(Record.noun) \(record.name) was added.", context, in: db)
            return record
        }
    }

    package func update<Record: SiteRecord>(
        _ kind: Record.Type,
        _ id: UniqueID,
        _ order: Record.Resource.Order,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> Record {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            let former = try Record.require(id, in: db)
            var record = former
            try record.takeAll(order, in: db)
            guard record != former else { return record }
            try record.update(db)
            let name = former.name == record.name ? record.name : "\(former.name), now \(record.name),"
            try store.tell(Record.codes.updated, "The \(Record.noun) \(name) was changed.", context, in: db)
            return record
        }
    }

    package func remove<Record: SiteRecord>(
        _ kind: Record.Type,
        _ id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let context = context(by: user, correlation)
        try await store.write { [store] db in
            let record = try Record.require(id, in: db)
            try record.checkRemoval(in: db)
            try record.delete(db)
            try store.tell(Record.codes.removed, "The \(Record.noun) \(record.name) was removed.", context, in: db)
        }
    }
}

extension SiteRecord {
    static func require(_ id: UniqueID, in db: Database) throws -> Self {
        guard let record = try Self.filter(Column("id") == id).fetchOne(db) else {
            throw EngineError(.notFound, "There is no \(noun) with the id \(id).", remedy: Self.lookup)
        }
        return record
    }

    /// By id, or else by name.
    static func require(_ reference: WireReference, in db: Database) throws -> Self {
        if let id = reference.id.flatMap(UniqueID.init(rawValue:)) { return try require(id, in: db) }
        guard let record = try Self.filter(Column("name") == reference.text).fetchOne(db) else {
            let text = terminalEscaped(reference.text.prefix(64))
            throw EngineError(.notFound, "There is no \(noun) \(text).", remedy: Self.lookup)
        }
        return record
    }

    private static var lookup: String { "`muster \(command) list` shows them." }

    fileprivate mutating func takeAll(_ order: Resource.Order, in db: Database) throws {
        if let name = order.name {
            guard SiteText.isName(name) else {
                throw EngineError(
                    .invalid,
                    "\"\(terminalEscaped(name.prefix(64)))\" is no name of a \(Self.noun).",
                    remedy: "Give 1 to \(SiteText.nameMax) letters, digits, dots, underscores and hyphens."
                )
            }
            let namesakes = Self.filter(Column("name").collating(.nocase) == name && Column("id") != id)
            guard try namesakes.isEmpty(db) else {
                throw EngineError(.conflict, "There is a \(Self.noun) \(name) already.", remedy: "Choose another name.")
            }
            self.name = name
        }
        if let description = order.description { self.description = SiteText.description(description) }
        try take(order, in: db)
    }
}

extension Store {
    /// Records what a person did to the site.
    func tell(_ code: EventCode, _ text: String, _ context: TransitionContext, in db: Database) throws {
        let occurrence = Occurrence(code, .normal, text, user: context.user, correlation: context.correlation)
        try record(occurrence, at: context.now, in: db)
    }
}
