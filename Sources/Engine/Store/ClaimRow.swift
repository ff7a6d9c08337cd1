import Crypto
import Foundation
import GRDB
import HostModel

/// A claim as it stands in the database.
struct ClaimRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "claim"

    var id: UniqueID
    var host: UniqueID
    var state: ClaimProgress.State
    var hardwareID: HardwareID
    var address: IPv4Address
    var port: UInt16
    /// The address that the claim came from.
    var source: String
    /// SubjectPublicKeyInfo in DER.
    var publicKey: Data
    var nonceHash: Nonce
    var engineNonce: Nonce
    var nodeNonce: Nonce?
    var wrongCodes: Int
    /// JSON of `HostFacts`.
    var facts: String
    var created: Int64
    var expires: Int64
    var closed: Int64?
    /// Serial number of the certificate that the approval issued.
    var certificate: String?
}

extension ClaimRow {
    var isOpen: Bool { closed == nil }

    static func require(_ id: UniqueID, in db: Database) throws -> ClaimRow {
        guard let claim = try filter(Column("id") == id).fetchOne(db) else {
            throw EngineError(.notFound, "There is no claim \(id).", remedy: "Make a new claim.")
        }
        return claim
    }

    /// The claims of a host in some states, oldest first.
    static func fetch(of host: UniqueID, _ states: [ClaimProgress.State], in db: Database) throws -> [ClaimRow] {
        try filter(Column("host") == host && states.contains(Column("state")))
            .order(Column("created"), Column("id")).fetchAll(db)
    }

    /// The facts of a claim that is over: what was needed of them the host has.
    static let noFacts = "{}"

    /// Ends a claim that was not approved. One whose nonce was never opened was never anybody's: nothing stays of it.
    mutating func close(_ state: ClaimProgress.State, at now: Int64, in db: Database) throws {
        (self.state, closed, facts) = (state, now, Self.noFacts)
        if nodeNonce == nil { try delete(db) } else { try update(db) }
    }

    /// What both screens show; `nil` until the node has opened its nonce.
    func code(authorityKey: [UInt8]) -> ApprovalCode? {
        ClaimCode(state: state, publicKey: publicKey, engineNonce: engineNonce, nodeNonce: nodeNonce)
            .code(authorityKey: authorityKey)
    }
}

/// Of a claim, what its code is made of.
struct ClaimCode: Sendable, Codable, FetchableRecord {
    var state: ClaimProgress.State
    var publicKey: Data
    var engineNonce: Nonce
    var nodeNonce: Nonce?

    /// Those of a host's claims that are over, oldest first.
    static func closed(of host: UniqueID, in db: Database) throws -> [ClaimCode] {
        let sql = """
            SELECT state, publicKey, engineNonce, nodeNonce FROM claim
            WHERE host = ? AND closed IS NOT NULL AND nodeNonce IS NOT NULL ORDER BY created, id
            """
        return try fetchAll(db, sql: sql, arguments: [host])
    }

    func code(authorityKey: [UInt8]) -> ApprovalCode? {
        guard let nodeNonce else { return nil }
        let transcript = ApprovalCode.transcript(
            nodeKey: publicKey,
            authorityKey: authorityKey,
            engineNonce: engineNonce,
            nodeNonce: nodeNonce
        )
        return ApprovalCode(digest: Array(SHA256.hash(data: transcript)))
    }
}
