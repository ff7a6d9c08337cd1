import HostModel
import Synchronization

/// What machines said of themselves, as it was read last from the text in the database. Ten thousand hosts say the same for
/// days, and reading their JSON is most of the work of a list of them.
final class DescribedHosts: Sendable {
    struct Description: Sendable {
        var facts: HostFacts?
        var hardware: HostHardware?
    }

    private struct Known: Sendable {
        var facts: String?
        var hardware: String?
        var description: Description
    }

    private let known = Mutex<[UniqueID: Known]>([:])

    /// Beyond so many hosts what is known is forgotten, and read again.
    static let countMax = 20_000

    /// Nor are texts of more bytes kept, or any of those whom nobody approved: these come and go as they like.
    static let bytesMax = 64 << 10

    var count: Int { known.withLock(\.count) }

    func description(of row: HostRow) -> Description {
        if let found = known.withLock({ $0[row.id] }), found.facts == row.facts, found.hardware == row.hardware {
            return found.description
        }
        let description = Description(facts: ColumnJSON.decode(row.facts), hardware: ColumnJSON.decode(row.hardware))
        let bytes = (row.facts?.utf8.count ?? 0) + (row.hardware?.utf8.count ?? 0)
        guard (1...Self.bytesMax).contains(bytes), row.status != .pendingApproval else { return description }
        known.withLock { known in
            if known.count >= Self.countMax, known[row.id] == nil { known = [:] }
            known[row.id] = Known(facts: row.facts, hardware: row.hardware, description: description)
        }
        return description
    }
}
