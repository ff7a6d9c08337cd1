package import HostModel

/// A machine's request to be a host. The approval code is never in here: it is compared, not shown.
package struct ClaimRecord: Sendable, Hashable {
    package var id: UniqueID
    package var host: UniqueID
    package var state: ClaimProgress.State
    package var hardwareID: HardwareID
    package var name: HostName
    package var address: IPv4Address
    package var port: UInt16
    /// SHA-256 of the node's SPKI: `SHA256:` and base64 without padding.
    package var keyFingerprint: String
    /// Milliseconds since 1970.
    package var created: Int64
    package var expires: Int64
    package var facts: HostFacts
}

/// oVirt's `host-register` (ovirt.md 2.1): a node that reports itself without a key. All of it is hostile text.
package struct LegacyRegistration: Sendable {
    /// `uniqueId` as it came.
    package var uniqueID: String
    package var name: String
    package var address: String
    package var port: UInt16
    /// The address that the call came from.
    package var source: String

    package init(uniqueID: String, name: String, address: String, port: UInt16 = 54321, source: String) {
        (self.uniqueID, self.name, self.address) = (uniqueID, name, address)
        (self.port, self.source) = (port, source)
    }
}

/// A machine that a person turned away; until then its claims are answered with `rejected`.
package struct RejectionRecord: Sendable, Hashable {
    package var id: UniqueID
    /// The name that it had as a host.
    package var name: String
    package var hardwareID: HardwareID?
    package var address: String
    package var keyFingerprint: String?
    /// Who rejected it, and when; milliseconds since 1970.
    package var user: String?
    package var time: Int64
    package var until: Int64
}
