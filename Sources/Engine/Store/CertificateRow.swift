import Foundation
import GRDB
import HostModel

/// A certificate that the CA issued to a host.
struct CertificateRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "certificate"

    /// Hex.
    var serial: String
    var host: UniqueID?
    /// SubjectPublicKeyInfo in DER: the key that the host's agent must show.
    var publicKey: Data
    var pem: String
    var subject: String
    var issued: Int64
    var revoked: Int64?

    /// The one that is valid now.
    static func valid(of host: UniqueID, in db: Database) throws -> CertificateRow? {
        try filter(Column("host") == host && Column("revoked") == nil).fetchOne(db)
    }

    static func revoke(of host: UniqueID, at now: Int64, in db: Database) throws {
        try filter(Column("host") == host && Column("revoked") == nil)
            .updateAll(db, Column("revoked").set(to: now))
    }
}
