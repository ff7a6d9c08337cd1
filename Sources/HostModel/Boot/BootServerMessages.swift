// Boot servers on other segments: how they ask to be enrolled, and how people see them (docs/protocols.md, sections 1 to 3).

/// `POST /ovirt-engine/services/muster-boot-claim`: a boot server asks to be enrolled. It is answered as a node's claim is:
/// `ClaimReply`, `ClaimOpening`, `ClaimProgress`.
package struct BootClaimRequest: Hashable, Sendable, Codable {
    /// The version of this protocol; 1.
    package var version = 1
    /// PKCS #10 in PEM, signed by the key that the boot server made and keeps.
    package var certificateRequest: String
    /// SHA-256 of its nonce, which it opens only after it has the engine's.
    package var nonceHash: Nonce
    /// The name that it would like; the engine makes it unique.
    package var name: HostName?

    package init(certificateRequest: String, nonceHash: Nonce, name: HostName?) {
        (self.certificateRequest, self.nonceHash, self.name) = (certificateRequest, nonceHash, name)
    }
}

/// `GET /boot/certificate`: the boot server's certificate, the next one when the one before ends soon.
package struct BootCertificate: Hashable, Sendable, Codable {
    /// PEM, leaf first.
    package var certificate: String

    package init(certificate: String) { self.certificate = certificate }
}

/// A boot server on another segment, or one that asks to be.
package struct BootServerResource: Hashable, Sendable, Codable {
    package var id: String
    package var name: String
    /// `waiting` for a person, `approved`, or `denied` until `until`.
    package var status: String
    /// Where its claim came from.
    package var address: String
    package var key_fingerprint: String
    package var created: String
    /// When a claim or a denial is over.
    package var until: String?
    /// When its certificate ends.
    package var certificate_end: String?
    /// When it last spoke to the engine; `nil` before the first word.
    package var last_heard: String?

    package init(id: String, name: String, status: String, address: String, key_fingerprint: String, created: String) {
        (self.id, self.name, self.status, self.address) = (id, name, status, address)
        (self.key_fingerprint, self.created) = (key_fingerprint, created)
    }
}

/// `{"boot_server": […]}`.
package struct BootServerCollection: Hashable, Sendable, Codable {
    package var boot_server: [BootServerResource]?

    package init(_ servers: [BootServerResource]) { boot_server = servers }
}

/// The body of `bootservers/NAME/approve`.
package struct BootServerApproval: Hashable, Sendable, Codable {
    package var code: String?

    package init(code: String?) { self.code = code }
}

extension BootServerResource: WireDocument { package static var element: String { "boot_server" } }
extension BootServerCollection: WireDocument { package static var element: String { "boot_servers" } }
extension BootServerApproval: WireDocument { package static var element: String { "action" } }
