import AgentWire
import Crypto
import Foundation
import GRDB
package import HostModel
import Logging
import SwiftASN1
import X509

/// When hosts get their next certificate by themselves.
package struct RenewalTimes: Sendable {
    /// So many days before the end of the one they have.
    package var days: Int64 = 180
    /// How often it is looked, in milliseconds.
    package var look: Int64 = 3_600_000
    /// Hosts of one look.
    package var count = 500

    package init() {}

    /// Certificates that were issued before this moment are due, at `now`, both in milliseconds since 1970.
    func due(at now: Int64) -> Int64 {
        now - Int64(CertificateAuthority.leafLifetime) * 1000 + days * Int64(CertificateAuthority.day) * 1000
    }
}

// A host's next certificate is for the key that a person approved: no claim, no code, and nothing on the host changes but the
// dates. It reaches the host over the connection that the old one still secures, also when its time is over.

extension HostEngine {
    /// Gives a host its next certificate now. `user`: who asked; `nil`: the engine by itself.
    package func enrolCertificate(
        of id: UniqueID,
        by user: String?,
        correlation: String?
    ) async throws(EngineError) {
        guard let former = try await store.read({ try CertificateRow.valid(of: id, in: $0) }) else {
            _ = try await host(id)
            throw EngineError(
                .conflict,
                "This host has no certificate yet.",
                remedy: "It gets its first one with its approval: `muster host approve`."
            )
        }
        let next = try await store.nextCertificate(after: former, of: id, authority, at: settings.clock.now())
        try await asking(id, acceptsExpired: true) { link throws(AgentFailure) in
            _ = try await link.call(.renewCertificate, .object(["certificate": .string(next.pem)]))
        }
        try await store.renew(former, with: next, by: user, correlation: correlation)
    }

    /// Renews what ends soon, until the task is cancelled. A host that is away is tried again at the next look.
    func renewCertificates() async {
        let failures = RateLimit(burst: 1, perDay: 1)
        while !Task.isCancelled {
            // A restored engine touches nobody until it is told that it may.
            if hold.since() == nil { await renewDueCertificates(failures) }
            try? await Task.sleep(for: .milliseconds(settings.renewal.look))
        }
    }

    private func renewDueCertificates(_ failures: RateLimit) async {
        do {
            for id in try await store.hostsDueForCertificate(settings.renewal, at: settings.clock.now()) {
                guard !Task.isCancelled else { return }
                await renewCertificate(of: id, failures)
            }
        } catch {
            logger.warning("The look for certificates that end failed: \(error)")
        }
    }

    private func renewCertificate(of id: UniqueID, _ failures: RateLimit) async {
        do throws(EngineError) {
            try await enrolCertificate(of: id, by: nil, correlation: nil)
        } catch {
            let now = settings.clock.now()
            guard !Task.isCancelled, failures.allows(id.rawValue, at: now) else { return }
            let reason = [error.detail, error.remedy].compactMap(\.self).joined(separator: " ")
            try? await store.write { [store] db in
                guard let host = try HostRow.fetchOne(db, key: id) else { return }
                let text = "Host \(host.name) did not get its next certificate; the one it has ends soon. \(reason)"
                try store.record(Occurrence(.certificateRenewalFailed, .warning, text, host: host), at: now, in: db)
            }
        }
    }
}

extension Store {
    /// Hosts that are somebody's and whose certificate ends soon, the first to end first; those that do not answer last, so that
    /// however many of them keep nobody else from the next one.
    func hostsDueForCertificate(_ times: RenewalTimes, at now: Int64) async throws(EngineError) -> [UniqueID] {
        try await read { db in
            try SQLRequest<UniqueID>(
                literal: """
                    SELECT host.id FROM certificate JOIN host ON host.id = certificate.host
                    WHERE certificate.revoked IS NULL AND certificate.issued < \(times.due(at: now))
                        AND host.status IN ('up', 'maintenance', 'non_operational', 'non_responsive', 'connecting')
                    ORDER BY host.status IN ('non_responsive', 'connecting'), certificate.issued LIMIT \(times.count)
                    """
            ).fetchAll(db)
        }
    }

    /// For the same key, made out to the address that the host has now. Nothing is stored.
    func nextCertificate(
        after former: CertificateRow,
        of id: UniqueID,
        _ authority: CertificateAuthority,
        at now: Int64
    ) async throws(EngineError) -> CertificateRow {
        try await read { db in
            let host = try HostRow.require(id, in: db)
            let certificate = try authority.issue(
                role: .host(id),
                address: host.address,
                key: try P256.Signing.PublicKey(derRepresentation: former.publicKey),
                now: Date(timeIntervalSince1970: Double(now) / 1000)
            )
            var row = former
            row.serial = certificate.serialNumber.bytes.hexDigits
            row.pem = try certificate.serializeAsPEM().pemString + "\n"
            (row.subject, row.issued) = ("\(certificate.subject)", now)
            return row
        }
    }

    /// The host has the next one. Nothing happens when a person approved another key meanwhile: then that one counts.
    func renew(
        _ former: CertificateRow,
        with next: CertificateRow,
        by user: String?,
        correlation: String?
    ) async throws(EngineError) {
        try await write { db in
            guard let id = former.host, try CertificateRow.valid(of: id, in: db)?.serial == former.serial else {
                return
            }
            let host = try HostRow.require(id, in: db)
            try CertificateRow.revoke(of: id, at: next.issued, in: db)
            try next.insert(db)
            let end = Date(timeIntervalSince1970: Double(next.issued) / 1000 + CertificateAuthority.leafLifetime)
                .formatted(.iso8601.year().month().day())
            let text = "Host \(host.name) has its next certificate, for the key that was approved; it ends on \(end)."
            let event = Occurrence(.certificateIssued, .normal, text, host: host, user: user, correlation: correlation)
            try record(event, at: next.issued, in: db)
        }
    }
}
