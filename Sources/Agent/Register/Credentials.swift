package import Crypto
package import EngineClient
package import HostModel

/// What an approved node keeps: the authority, its certificate, the id that the engine gave it, and which engine that was.
package struct Credentials: Hashable, Sendable {
    package var authority: Authority
    /// PEM, leaf first.
    package var certificate: String
    package var host: UniqueID
    /// Under which address the engine was asked; `nil` when that was not kept.
    package var engine: EngineAddress?

    package static let authorityFile = "ca.pem"
    package static let certificateFile = "certificate.pem"
    package static let engineFile = "engine"
    package static let hostFile = "host-id"

    package init(authority: Authority, certificate: String, host: UniqueID, engine: EngineAddress? = nil) {
        (self.authority, self.certificate, self.host, self.engine) = (authority, certificate, host, engine)
    }

    /// Reads what lies in the state directory; `nil` when a part of it is missing or malformed.
    package init?(from state: NodeDirectory) {
        guard let authorityPEM = Self.text(Self.authorityFile, state),
            let authority = try? Authority(pem: authorityPEM),
            let certificate = Self.text(Self.certificateFile, state),
            let host = Self.word(Self.hostFile, state).flatMap({ UniqueID(rawValue: $0) })
        else { return nil }
        let engine = Self.word(Self.engineFile, state).flatMap { EngineAddress($0) }
        self.init(authority: authority, certificate: certificate, host: host, engine: engine)
    }

    /// The host id is written last, and taken away first: where it is, the others are whole and belong to it.
    package func store(in state: NodeDirectory) throws(FileFailure) {
        try Self.forget(in: state)
        try state.write(Array(authority.pem.utf8), to: Self.authorityFile)
        try state.write(Array(certificate.utf8), to: Self.certificateFile)
        if let engine { try state.write(Array("\(engine)\n".utf8), to: Self.engineFile) }
        try state.write(Array("\(host)\n".utf8), to: Self.hostFile)
    }

    /// The node is nobody's again. The authority stays, to be compared with the one of the next claim.
    package static func forget(in state: NodeDirectory) throws(FileFailure) {
        try state.remove(hostFile)
        try state.remove(certificateFile)
        try state.remove(engineFile)
    }

    /// Whether the engine that gave them is the one that the node is told now: by the fingerprint of its CA where one is
    /// set, for that is what an engine is; else by its address. A node that is told no engine stays with the one it has.
    package func belong(to configuration: NodeConfiguration) -> Bool {
        if let fingerprint = configuration.engineFingerprint { return fingerprint == authority.fingerprint }
        guard let wanted = configuration.engine else { return true }
        return wanted == engine
    }

    /// Why they are not this key's, or not good at this time (seconds since 1970; `nil`: the time does not count).
    package func refusal(for key: P256.Signing.PublicKey, now: Int64?) -> CertificateRefusal? {
        do throws(CertificateRefusal) {
            try authority.check(chain: certificate, isFor: key, role: "muster:host/\(host)", now: now)
            return nil
        } catch {
            return error
        }
    }

    private static func text(_ name: String, _ state: NodeDirectory) -> String? {
        guard let bytes = try? state.read(name) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func word(_ name: String, _ state: NodeDirectory) -> String? {
        text(name, state)?.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}

/// The key and the credentials of the state directory that fit together and are of the engine that the node is told: what
/// makes it that engine's host.
package struct Membership: Sendable {
    package var identity: NodeIdentity
    package var credentials: Credentials

    /// `nil` when anything is missing, damaged, another key's or another engine's. The time of validity is not looked at:
    /// a node that woke with a wrong clock must learn the time first.
    package init?(from state: NodeDirectory, for configuration: NodeConfiguration) {
        guard let credentials = Credentials(from: state), credentials.belong(to: configuration),
            let identity = NodeIdentity.stored(in: state),
            credentials.refusal(for: identity.key.publicKey, now: nil) == nil
        else { return nil }
        (self.identity, self.credentials) = (identity, credentials)
    }
}
