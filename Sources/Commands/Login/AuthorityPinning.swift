import EngineClient
import Foundation

/// Finds out which CA to trust for an engine: from a file, by a fingerprint, from an earlier login, or by asking.
struct AuthorityPinning {
    var endpoint: Endpoint
    var file: String?
    var fingerprint: String?
    /// What was pinned for this engine before.
    var known: CertificateChain?

    func authority() async throws(UserError) -> CertificateChain {
        if let file { return try read(file) }
        if let fingerprint {
            guard let wanted = Fingerprint(fingerprint) else {
                throw UserError(
                    .usage,
                    "the fingerprint is not a SHA-256: 64 hex digits, colons allowed",
                    remedy: "copy the one that muster-engine init printed"
                )
            }
            return try await fetch(wanted)
        }
        if let known { return known }
        return try await ask()
    }

    private func read(_ file: String) throws(UserError) -> CertificateChain {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw UserError(
                .badData,
                "the CA file \(file) cannot be read",
                remedy: "check the path and its permissions"
            )
        }
        guard let chain = CertificateChain(pem: String(decoding: data, as: UTF8.self)) else {
            throw UserError(
                .badData,
                "the CA file \(file) holds no certificate in PEM",
                remedy: "name the engine's ca.pem, or use --fingerprint"
            )
        }
        return chain
    }

    /// The CA that the engine shows, if it is the wanted one.
    private func fetch(_ wanted: Fingerprint) async throws(UserError) -> CertificateChain {
        let shown = try await shown()
        let print = Fingerprint(der: shown)
        guard print == wanted else {
            throw UserError(
                .unavailable,
                "\(endpoint) shows another CA than the wanted one: its fingerprint is \(print)",
                remedy: "check the address; if it is right, somebody may stand between you and the engine"
            )
        }
        return CertificateChain(der: [shown])
    }

    private func ask() async throws(UserError) -> CertificateChain {
        let shown = try await shown()
        let print = Fingerprint(der: shown)
        guard Terminal.isInteractive else {
            throw UserError(
                .usage,
                "\(endpoint) is not known yet, and there is no terminal to ask whether its CA is the right one",
                remedy: "--fingerprint with the SHA-256 that muster-engine init printed, or --ca-file"
            )
        }
        Terminal.complain(
            """
            \(endpoint) is not known yet. The fingerprint of its certificate authority is
              SHA256 \(print)
            Compare it with the one that muster-engine init printed.

            """
        )
        let answer = Terminal.ask("Trust this engine? [y/N] ") ?? ""
        guard ["y", "yes"].contains(answer.lowercased()) else {
            throw UserError(.noPermission, "the engine is not trusted", remedy: "ask its operator for the fingerprint")
        }
        return CertificateChain(der: [shown])
    }

    /// DER of the first certificate of what the engine, or whoever answers, calls its CA.
    private func shown() async throws(UserError) -> [UInt8] {
        do throws(CallError) {
            let transport: HTTPTransport
            do { transport = try HTTPTransport(endpoint, trust: .any) } catch { throw .transport(error) }
            defer { transport.close() }
            let chain = try await EngineSession.authority(from: transport)
            guard let first = chain.leaf else { throw .unexpected(status: 200, reason: "it sent no CA certificate") }
            return first
        } catch {
            throw UserError(error)
        }
    }
}
