package import GRDB
package import HostModel

/// Where the addresses of guests' network cards are taken from. Kept and shown; there are no guests of ours yet.
package struct MACPoolRecord: SiteRecord {
    package struct Range: Hashable, Sendable, Codable {
        package var from: MACAddress
        package var to: MACAddress
    }

    package typealias Resource = MACPoolResource
    package static let databaseTableName = "macPool"
    package static let (noun, command) = ("MAC pool", "mac-pool")
    /// MAC_POOL_ADD_SUCCESS and its like.
    package static let codes = SiteCodes(10_700, 10_702, 10_704)
    package static let search = SearchTable.macPools
    package static let rangesMax = 64

    package var id: UniqueID
    package var name: String
    package var description: String
    package var allowsDuplicates = false
    package var isDefault = false
    package var ranges: [Range] = []

    package init(id: UniqueID, in db: Database) throws { (self.id, name, description) = (id, "", "") }

    package mutating func take(_ order: MACPoolResource.Order, in db: Database) throws {
        allowsDuplicates = order.allow_duplicates ?? allowsDuplicates
        if let wanted = order.ranges?.range { ranges = try Self.checked(wanted) }
        guard !ranges.isEmpty else {
            throw EngineError(.invalid, "A MAC pool has at least one range.", remedy: "Give one, FIRST-LAST.")
        }
    }

    private static func checked(_ wanted: [MACPoolResource.Range]) throws -> [Range] {
        guard wanted.count <= rangesMax else {
            throw EngineError(.invalid, "A MAC pool has at most \(rangesMax) ranges.", remedy: "Give fewer.")
        }
        let ranges = try wanted.map { text -> Range in
            let words = "\(terminalEscaped(text.from.prefix(32))) to \(terminalEscaped(text.to.prefix(32)))"
            guard let from = MACAddress(text.from), let to = MACAddress(text.to), from.rawValue <= to.rawValue else {
                throw EngineError(.invalid, "\(words) is no range of MAC addresses.", remedy: "Give the smaller first.")
            }
            guard !from.isMulticast, !to.isMulticast, from.rawValue >> 40 == to.rawValue >> 40 else {
                throw EngineError(
                    .invalid,
                    "\(words) holds multicast addresses, which no card has.",
                    remedy: "Leave the first octet even, and the same in both."
                )
            }
            return Range(from: from, to: to)
        }
        let sorted = ranges.sorted { $0.from.rawValue < $1.from.rawValue }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.to.rawValue >= right.from.rawValue {
            throw EngineError(
                .invalid,
                "The ranges from \(left.from) and from \(right.from) overlap.",
                remedy: "Make one of them, or leave one out."
            )
        }
        return ranges
    }

    package func checkRemoval(in db: Database) throws {
        guard !isDefault else {
            throw EngineError(.conflict, "\(name) is the default pool.", remedy: "Change its ranges instead.")
        }
        let users = try String.fetchAll(
            db,
            sql: "SELECT name FROM dataCenter WHERE macPool = ? UNION SELECT name FROM cluster WHERE macPool = ?",
            arguments: [id, id]
        )
        guard users.isEmpty else {
            throw EngineError(
                .conflict,
                "The MAC pool \(name) is in use by \(users.prefix(5).joined(separator: ", ")).",
                remedy: "Give them another one first."
            )
        }
    }

    /// An empty reference chooses none.
    static func chosen(_ reference: WireReference, in db: Database) throws -> UniqueID? {
        reference.text.isEmpty ? nil : try require(reference, in: db).id
    }
}
