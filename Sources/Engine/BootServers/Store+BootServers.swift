import Crypto
import Foundation
import GRDB
import HostModel

// A boot server on another segment asks as a node does: a claim with a key, a nonce on both sides, a code that a person
// compares. It is no host, so its claim has a table of its own; the nonces that were ever spent are the nodes' too.

/// A claim of a boot server, checked as far as that goes without the database.
struct NewBootClaim: Sendable {
    var name: HostName?
    var publicKey: Data
    var nonceHash: Nonce
    let engineNonce = Nonce.random()
    var source: String
    var now: Int64

    init(_ request: BootClaimRequest, from source: String, limits: EnrolmentLimits, now: Int64) throws(EngineError) {
        guard request.version == NewClaim.version else {
            throw EngineError(
                .invalid,
                "The claim speaks version \(request.version) of the protocol, this engine version \(NewClaim.version).",
                remedy: "Run a muster-boot that fits this engine."
            )
        }
        let csr = try CertificateRequest(
            pem: request.certificateRequest,
            bytesMax: limits.certificateRequestBytesMax
        )
        (name, publicKey, nonceHash) = (request.name, Data(csr.publicKeyInfo), request.nonceHash)
        (self.source, self.now) = (source, now)
    }
}

extension Store {
    func receiveBootClaim(
        _ new: NewBootClaim,
        enrolment: EnrolmentLimits,
        limits: BootServerLimits
    ) async throws(EngineError) -> UniqueID {
        try await write { db in
            try endBootClaims(at: new.now, in: db)
            if try isSpent(new.nonceHash, in: db) {
                throw EngineError(
                    .conflict,
                    "The nonce of this claim was used before.",
                    remedy: "Make a new claim with a fresh nonce."
                )
            }
            try spend(new.nonceHash, of: new.publicKey, at: new.now, in: db)
            if let known = try BootServerRow.filter(Column("publicKey") == new.publicKey).fetchOne(db) {
                switch known.state {
                case .rejected: return known.id
                case .approved:
                    throw EngineError(
                        .conflict,
                        "This key is that of the boot server \(known.name), which is approved.",
                        remedy: "Remove that one first: `muster boot remove \(known.name)`."
                    )
                default: try known.delete(db)
                }
            }
            try makeRoom(for: new, limits: limits, in: db)
            let row = BootServerRow(
                id: .random(),
                name: try freeBootServerName(new.name, in: db),
                state: .committed,
                source: new.source,
                publicKey: new.publicKey,
                engineNonce: new.engineNonce,
                nonceHash: new.nonceHash,
                nodeNonce: nil,
                wrongCodes: 0,
                created: new.now,
                until: new.now + enrolment.openingSeconds * 1000,
                certificate: nil,
                issued: nil,
                lastHeard: nil,
                lastEvent: 0
            )
            try row.insert(db)
            return row.id
        }
    }

    func openBootClaim(
        _ id: UniqueID,
        _ nonce: Nonce,
        enrolment: EnrolmentLimits,
        at now: Int64
    ) async throws(EngineError) -> BootServerRow {
        let opened: BootServerRow? = try await write { db in
            try endBootClaims(at: now, in: db)
            var row = try Self.bootClaim(id, in: db)
            // The answer was lost on its way, or a person turned it away: said again.
            if row.nodeNonce == nonce || row.state == .rejected { return row }
            guard row.state == .committed else {
                throw EngineError(.conflict, "The claim is \(row.state.rawValue), its nonce cannot be opened now.")
            }
            // A second try would be a search.
            guard SHA256.hash(data: nonce.bytes) == row.nonceHash.bytes else {
                try row.delete(db)
                return nil
            }
            (row.nodeNonce, row.state) = (nonce, .pending)
            row.until = now + enrolment.claimLifetimeSeconds * 1000
            try row.update(db)
            let text =
                "A boot server at \(row.source) asks to be enrolled as \(row.name) (key \(keyFingerprint(row.publicKey)))."
            try record(Occurrence(.bootServerClaimed, .normal, text), at: now, in: db)
            return row
        }
        guard let opened else {
            throw EngineError(
                .invalid,
                "The nonce is not the one that the claim committed to.",
                remedy: "Make a new claim."
            )
        }
        return opened
    }

    func bootClaim(_ id: UniqueID, at now: Int64) async throws(EngineError) -> BootServerRow {
        try await read { db in
            let row = try Self.bootClaim(id, in: db)
            if let until = row.until, until <= now { throw Self.noBootClaim }
            return row
        }
    }

    private static func bootClaim(_ id: UniqueID, in db: Database) throws -> BootServerRow {
        guard let row = try BootServerRow.fetchOne(db, key: id) else { throw noBootClaim }
        return row
    }

    private static let noBootClaim = EngineError(
        .notFound,
        "There is no such claim, or it is over.",
        remedy: "Make a new claim."
    )

    private func makeRoom(for new: NewBootClaim, limits: BootServerLimits, in db: Database) throws {
        let open = try BootServerRow.open(in: db)
        guard open.count(where: { $0.source == new.source }) < limits.openPerSourceMax else {
            throw EngineError(
                .tooMany,
                "\(limits.openPerSourceMax) boot servers at \(new.source) wait already.",
                remedy: "Approve or deny some: `muster boot server list`."
            )
        }
        guard open.count >= limits.openMax else { return }
        let most = Dictionary(grouping: open, by: \.source).values.max { left, right in
            (left.count, right[0].created) < (right.count, left[0].created)
        }
        try most?.first?.delete(db)
    }

    private func freeBootServerName(_ wish: HostName?, in db: Database) throws -> HostName {
        for name in NewHostName.candidates(wish: wish ?? HostName("boot"))
        where try BootServerRow.filter(Column("name") == name && Column("state") != ClaimProgress.State.rejected)
            .isEmpty(db)
        {
            return name
        }
        throw EngineError(.failed, "No free name was found for a boot server.", remedy: "Give it one: --name.")
    }

    /// Forgets what was not approved in time, and denials whose time is over.
    func endBootClaims(at now: Int64, in db: Database) throws {
        let over = try BootServerRow.filter(Column("until") <= now).fetchAll(db)
        for row in over {
            try row.delete(db)
            guard row.state == .pending else { continue }
            let text = "The claim of the boot server \(row.name) at \(row.source) expired; nobody approved it."
            try record(Occurrence(.bootServerClaimExpired, .warning, text), at: now, in: db)
        }
    }
}
