package import SystemPackage

/// Where `apply` finds its things.
package struct ApplySettings: Sendable {
    /// The socket, the undo journal, and the DHCP clients' files.
    package var run: NodeDirectory
    /// Key, certificate and authority.
    package var state: NodeDirectory
    /// VDSM's directory, below which `staging/netconf` and `persistence/netconf` lie.
    package var networkConfiguration: FilePath
    package var resolvConf: FilePath
    package var busybox: FilePath
    package var udhcpcScript: FilePath
    /// What asks by DHCPv6.
    package var dhcpcd: FilePath = "/usr/sbin/dhcpcd"
    /// Where dhcpcd keeps its pid files; it has no option for that.
    package var dhcpcdRun: FilePath = "/run/dhcpcd"
    /// Who may call: the user and the group of `serve`; root always may.
    package var userID: UInt32
    package var groupID: UInt32
    /// The kernel arguments.
    package var commandLine: FilePath
    /// What answers `disks`, `install`, `upgrade` …: the agent's own program.
    package var installer: FilePath
    package var rebootProgram: FilePath
    /// How long the committed networks wait at the start for another program that changes the network, in seconds: a
    /// change of the engine, its wait for the engine's voice included.
    package var networkLockSeconds = 300
    /// False on servers, whose network stands without `boot-network`.
    package var waitsForBootNetwork = true
    /// Below it lie VDSM's hooks, a directory for each event.
    package var hooks: FilePath

    /// The kernel's view of the cards, for their virtual functions.
    package var sysfs: FilePath = "/sys"
    /// How long the links of virtual functions that were just made are waited for, when networks stand on them.
    package var functionSeconds = 10

    /// How long a call that waits for a lease does.
    package var leaseSeconds = 30

    package static let socketName = "apply.sock"

    package init(
        run: NodeDirectory = NodeDirectory("/run/muster-agent"),
        state: NodeDirectory = NodeDirectory("/var/lib/muster-agent"),
        networkConfiguration: FilePath = "/var/lib/vdsm",
        resolvConf: FilePath = "/etc/resolv.conf",
        busybox: FilePath = "/bin/busybox",
        udhcpcScript: FilePath = "/usr/share/udhcpc/default.script",
        userID: UInt32 = 36,
        groupID: UInt32 = 36,
        commandLine: FilePath = "/proc/cmdline",
        installer: FilePath = "/usr/bin/muster-agent",
        rebootProgram: FilePath = "/sbin/reboot",
        hooks: FilePath = "/usr/libexec/vdsm/hooks"
    ) {
        (self.run, self.state, self.networkConfiguration) = (run, state, networkConfiguration)
        (self.resolvConf, self.busybox, self.udhcpcScript) = (resolvConf, busybox, udhcpcScript)
        (self.userID, self.groupID, self.commandLine) = (userID, groupID, commandLine)
        (self.installer, self.rebootProgram, self.hooks) = (installer, rebootProgram, hooks)
    }

    package var socket: FilePath { run.file(Self.socketName) }
}
