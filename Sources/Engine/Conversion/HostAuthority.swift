import Foundation
import GRDB
import HostConversion
import HostModel
import SwiftASN1
import X509

/// Signs what a server asks for that becomes a host: the same certificate as an approval gives to a node. Who vouches for
/// the request is the SSH connection, whose host key is pinned.
struct HostAuthority: HostCertificateAuthority {
    let store: Store
    let authority: CertificateAuthority
    let authorityPEM: String
    let host: UniqueID
    let engine: EngineAddress
    let requestBytesMax: Int
    let clock: WallClock

    func certificate(
        forRequest request: String,
        hardware: HardwareID
    ) async throws(ConversionError) -> HostCertificate {
        do throws(EngineError) {
            let request = try CertificateRequest(pem: request, bytesMax: requestBytesMax)
            let row = try await store.certify(host, request, hardware, authority, at: clock.now())
            return HostCertificate(
                certificate: row.pem + authorityPEM,
                authority: authorityPEM,
                host: host,
                engine: engine
            )
        } catch {
            throw ConversionError(
                error.kind == .conflict ? .blocked : .files,
                error.detail,
                remedy: error.remedy ?? "see the engine's log"
            )
        }
    }
}

extension Store {
    /// The valid certificate of the host's key; a new one where it has another key, whose certificate is revoked.
    func certify(
        _ id: UniqueID,
        _ request: CertificateRequest,
        _ hardware: HardwareID,
        _ authority: CertificateAuthority,
        at now: Int64
    ) async throws(EngineError) -> CertificateRow {
        try await write { db in
            var host = try HostRow.require(id, in: db)
            let twin = try HostRow.filter(Column("hardwareID") == hardware && Column("id") != id).fetchOne(db)
            if let twin {
                throw EngineError(
                    .conflict,
                    "The machine id \(terminalEscaped(hardware.rawValue)) is that of host \(twin.name) already.",
                    remedy:
                        "Give the server an id of its own in /etc/vdsm/vdsm.id, or reject or remove host \(twin.name)."
                )
            }
            if host.hardwareID != hardware {
                host.hardwareID = hardware
                try host.save(in: db)
            }
            let key = Data(request.publicKeyInfo)
            let former = try CertificateRow.valid(of: id, in: db)
            if let former, former.publicKey == key { return former }
            if former != nil {
                try CertificateRow.revoke(of: id, at: now, in: db)
                let text = "The former key of host \(host.name) is revoked."
                try record(Occurrence(.certificateRevoked, .warning, text, host: host), at: now, in: db)
            }
            let row = try CertificateRow(of: host, request, authority, at: now)
            try row.insert(db)
            let text = "Host \(host.name) got its certificate (key \(keyFingerprint(request.publicKeyInfo)))."
            try record(Occurrence(.certificateIssued, .normal, text, host: host), at: now, in: db)
            return row
        }
    }
}

extension CertificateRow {
    fileprivate init(
        of host: HostRow,
        _ request: CertificateRequest,
        _ authority: CertificateAuthority,
        at now: Int64
    ) throws {
        let certificate = try authority.issue(
            role: .host(host.id),
            address: host.address,
            key: try request.key,
            now: Date(timeIntervalSince1970: Double(now) / 1000)
        )
        self.init(
            serial: certificate.serialNumber.bytes.hexDigits,
            host: host.id,
            publicKey: Data(request.publicKeyInfo),
            pem: try certificate.serializeAsPEM().pemString + "\n",
            subject: "\(certificate.subject)",
            issued: now,
            revoked: nil
        )
    }
}
