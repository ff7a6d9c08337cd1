import Foundation
import GRDB
import HostModel

/// A boot server on another segment as it stands in the database: a claim first, then, under the same id, what was approved.
struct BootServerRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "bootServer"

    var id: UniqueID
    var name: HostName
    var state: ClaimProgress.State
    /// The address that the claim came from.
    var source: String
    /// SubjectPublicKeyInfo in DER.
    var publicKey: Data
    var engineNonce: Nonce
    var nonceHash: Nonce
    var nodeNonce: Nonce?
    var wrongCodes: Int
    var created: Int64
    /// When a claim or a denial is over; `nil` once it is approved.
    var until: Int64?
    /// PEM, of an approved one.
    var certificate: String?
    var issued: Int64?
    var lastHeard: Int64?
    /// The number of the last boot step that it handed over.
    var lastEvent: Int64
    /// Of which start of the boot server that number is.
    var lastSeries: UniqueID?
}

extension BootServerRow {
    static func require(_ name: String, in db: Database) throws -> BootServerRow {
        let byName = filter(Column("name") == name && Column("state") != ClaimProgress.State.rejected)
        let byID = filter(Column("id") == name)
        guard let row = try byName.fetchOne(db) ?? byID.fetchOne(db) else {
            throw EngineError(
                .notFound,
                "There is no boot server \(terminalEscaped(name.prefix(64))).",
                remedy: "`muster boot server list` shows them."
            )
        }
        return row
    }

    static func open(in db: Database) throws -> [BootServerRow] {
        try filter([ClaimProgress.State.committed, .pending].contains(Column("state")))
            .order(Column("created"), Column("id")).fetchAll(db)
    }

    /// What both sides show; `nil` until the nonce was opened.
    func code(authorityKey: [UInt8]) -> ApprovalCode? {
        ClaimCode(state: state, publicKey: publicKey, engineNonce: engineNonce, nodeNonce: nodeNonce)
            .code(authorityKey: authorityKey)
    }
}

/// What strangers can leave behind by asking to be boot servers. A site has a few, so the numbers are small.
package struct BootServerLimits: Sendable {
    /// Open claims of all sources and of one. Of all the oldest one of whoever has most gives way; a source that has its share
    /// is refused.
    package var openMax = 64
    package var openPerSourceMax = 8
    /// Approved ones.
    package var approvedMax = 256
    /// Those that are kept away.
    package var rejectedMax = 256
    /// How often it is written down that one was heard, in milliseconds.
    package var heardInterval: Int64 = 30_000
    /// Steps of machines that one boot server hands over late are not older than this, in milliseconds.
    package var eventAgeMax: Int64 = 30 * 24 * 3_600_000

    package init() {}
}
