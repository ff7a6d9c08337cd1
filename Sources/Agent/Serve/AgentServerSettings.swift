package import SystemPackage

/// How `serve` listens, and where its files are.
package struct AgentServerSettings: Sendable {
    /// `key.pem`, `certificate.pem` and `ca.pem`.
    package var state: NodeDirectory
    /// `apply`'s socket and the hardware file.
    package var run: NodeDirectory
    /// The kernel's arguments, which may name the engine.
    package var commandLine: FilePath
    /// `nil`: every address of both families, or of IPv4 where the kernel has no IPv6.
    package var address: String?
    package var port: Int
    /// Whom a `serve` that is started as root becomes: vdsm and kvm on every host of oVirt.
    package var userID: UInt32
    package var groupID: UInt32

    package static let portDefault = 54321

    package init(
        state: NodeDirectory = NodeDirectory("/var/lib/muster-agent"),
        run: NodeDirectory = NodeDirectory("/run/muster-agent"),
        commandLine: FilePath = "/proc/cmdline",
        address: String? = nil,
        port: Int = AgentServerSettings.portDefault,
        userID: UInt32 = 36,
        groupID: UInt32 = 36
    ) {
        (self.state, self.run, self.address, self.port) = (state, run, address, port)
        (self.commandLine, self.userID, self.groupID) = (commandLine, userID, groupID)
    }
}
