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

    package init(uniqueID: String, name: String, address: String, port: UInt16 = 54321) {
        (self.uniqueID, self.name, self.address, self.port) = (uniqueID, name, address, port)
    }
}
