package import AgentWire
package import HostModel

/// The calls between `serve` and `apply`: one JSON-RPC request a connection, on one line; one reply, on one line.
package enum ApplyCall: String, Sendable {
    /// `SetupNetworksParameters` -> `true`, after the change, its check and, if asked for, its commit.
    case setupNetworks = "Apply.setupNetworks"
    /// `SetupNetworksParameters` -> `{"plan": [line]}`; nothing is changed.
    case planNetworks = "Apply.planNetworks"
    /// `VirtualFunctionsOrder` -> `true`.
    case changeVirtualFunctions = "Apply.changeVirtualFunctions"
    /// The engine was heard; ends the wait of a running change.
    case confirm = "Apply.confirm"
    /// The running configuration becomes the one that is restored at boot.
    case commit = "Apply.commit"
    /// `known`, a revision that the caller has -> `NetworkOwnership`, or `{"isUnchanged": true}` when it is that one.
    case ownership = "Apply.ownership"
    /// `NodeDisks`.
    case disks = "Apply.disks"
    /// The parameters of `ImageWork` -> `InstallationPlan`.
    case plan = "Apply.plan"
    /// The parameters of `ImageWork` -> `true` once it has begun.
    case install = "Apply.install"
    case upgrade = "Apply.upgrade"
    case rollback = "Apply.rollback"
    /// `NodeJobs`.
    case jobs = "Apply.jobs"
    /// `lines` -> `NodeLogs`: root's to read.
    case logs = "Apply.logs"
    /// The parameters of `Host.getLldp` -> `LLDPReports`.
    case lldp = "Apply.lldp"
    /// `certificate`, PEM -> `true`: the state directory is root's to write.
    case renewCertificate = "Apply.renewCertificate"
    /// `true`, and then the machine reboots.
    case reboot = "Apply.reboot"

    /// The longest line of either side, in bytes.
    package static let lineBytesMax = 4 * 1024 * 1024
}

/// What the kernel can not tell about the host's networks.
package struct NetworkOwnership: Hashable, Sendable, VerbPayload {
    /// VDSM's attributes of the networks that the agent owns, by name.
    package var networks: [String: JSONValue] = [:]
    /// Links with a DHCP client.
    package var dhcpClients: [String] = []
    /// The running configuration is not the one that is restored at boot.
    package var isDirty = false
    /// A change, or the restoration of what was committed, is under way.
    package var isChanging = false
    package var nameservers: [String] = []
    /// What somebody else changed since.
    package var drift = NetworkDrift()

    /// Changes with everything else here; empty when it is not known.
    package var revision = ""

    package init() {}

    /// The answer to a caller that has this revision: a host can have a thousand networks, and is asked often.
    func answer(to known: String?) -> any Encodable & Sendable {
        known == revision ? JSONValue.object(["isUnchanged": .boolean(true)]) : self
    }
}
