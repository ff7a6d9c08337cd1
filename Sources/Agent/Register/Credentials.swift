package import Crypto
package import HostModel

/// What an approved node keeps: the authority, its certificate, and the id that the engine gave it.
package struct Credentials: Hashable, Sendable {
    package var authority: Authority
    /// PEM, leaf first.
    package var certificate: String
    package var host: UniqueID

    package static let authorityFile = "ca.pem"
    package static let certificateFile = "certificate.pem"
    package static let hostFile = "host-id"

    package init(authority: Authority, certificate: String, host: UniqueID) {
        (self.authority, self.certificate, self.host) = (authority, certificate, host)
    }

    /// Reads what lies in the state directory; `nil` when a part of it is missing or malformed.
    package init?(from state: NodeDirectory) {
        guard let authorityPEM = Self.text(Self.authorityFile, state),
            let authority = try? Authority(pem: authorityPEM),
            let certificate = Self.text(Self.certificateFile, state),
            let host = Self.text(Self.hostFile, state).flatMap({ UniqueID(rawValue: $0) })
        else { return nil }
        self.init(authority: authority, certificate: certificate, host: host)
    }

    /// The host id is written last, and taken away first: where it is, the other two are whole and belong to it.
    package func store(in state: NodeDirectory) throws(FileFailure) {
        try Self.forget(in: state)
        try state.write(Array(authority.pem.utf8), to: Self.authorityFile)
        try state.write(Array(certificate.utf8), to: Self.certificateFile)
        try state.write(Array("\(host)\n".utf8), to: Self.hostFile)
    }

    /// The node is nobody's again. The authority stays, to be compared with the one of the next claim.
    package static func forget(in state: NodeDirectory) throws(FileFailure) {
        try state.remove(hostFile)
        try state.remove(certificateFile)
    }

    package func refusal(for key: P256.Signing.PublicKey, now: Int64) -> CertificateRefusal? {
        do throws(CertificateRefusal) {
            try authority.check(chain: certificate, isFor: key, host: host, now: now)
            return nil
        } catch {
            return error
        }
    }

    private static func text(_ name: String, _ state: NodeDirectory) -> String? {
        guard let bytes = try? state.read(name) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return name == hostFile ? text.split(whereSeparator: \.isWhitespace).first.map(String.init) : text
    }
}
