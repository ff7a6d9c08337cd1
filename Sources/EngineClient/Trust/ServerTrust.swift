/// Whom a client takes for the engine.
package enum ServerTrust: Hashable, Sendable {
    /// Chain to one of these authorities, valid now, and issued for the host name or IP address that was dialled. A leaf
    /// with the role of a host or a boot server (`muster:host/…`, `muster:boot/…`) is refused whatever it is named.
    case authority(CertificateChain)
    /// The leaf has this fingerprint; or a CA that the peer sends along has it, and the leaf is this CA's, for the name
    /// that was dialled. Validity in time is not checked: whoever pins may not have a clock yet.
    case pinned(Fingerprint)
    /// The engine of one of these authorities, whatever it is called and however it is reached: its leaf has the role
    /// `muster:engine`, which the authority gives to nobody else, and is valid now.
    case engine(CertificateChain)
    /// Anyone. Only for a first contact, whose outcome is then checked by other means: enrolment (the approval code
    /// covers the CA), and login (a person compares the fingerprint). The answer's `peer` says who it was.
    case any

    /// Reads the authorities from PEM; `nil` when the text holds none.
    package static func authority(pem: String) -> ServerTrust? { CertificateChain(pem: pem).map { .authority($0) } }
}

/// The certificate and key that a client shows a server that asks for one.
package struct ClientIdentity: Sendable {
    /// PEM, leaf first.
    package var certificates: String
    /// PEM: PKCS #8 or SEC 1.
    package var key: String

    package init(certificates: String, key: String) { (self.certificates, self.key) = (certificates, key) }
}
