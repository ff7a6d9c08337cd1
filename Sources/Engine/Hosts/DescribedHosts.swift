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

    var count: Int { known.withLock(\.count) }

    func description(of row: HostRow) -> Description {
        if let found = known.withLock({ $0[row.id] }), found.facts == row.facts, found.hardware == row.hardware {
            return found.description
        }
        let description = Description(facts: ColumnJSON.decode(row.facts), hardware: ColumnJSON.decode(row.hardware))
        guard row.facts != nil || row.hardware != nil else { return description }
        known.withLock { known in
            if known.count >= Self.countMax, known[row.id] == nil { known = [:] }
            known[row.id] = Known(facts: row.facts, hardware: row.hardware, description: description)
        }
        return description
    }
}
