import GRDB
import HostModel

/// Work that outlives the process: what is to be done for a host, and how far it is.
struct JobRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "job"

    enum Kind: String, Sendable, Codable, DatabaseValueConvertible {
        case install
    }

    var id: UniqueID
    var kind: Kind
    var host: UniqueID
    var step: InstallStep
    /// Milliseconds since 1970 until the current step must be done.
    var deadline: Int64
    /// Runs of the current step, the one that is under way included.
    var attempts: Int
    var user: String?
    var correlation: String?
}

extension InstallStep: DatabaseValueConvertible {}
