import ArgumentParser

struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Hosts: what they are, and their approval.",
        subcommands: [
            HostList.self, HostShow.self, HostAdd.self, HostApprove.self, HostReject.self, HostWaitCommand.self,
            HostUpdate.self, HostMaintenance.self, HostActivate.self, HostRefresh.self, HostReboot.self,
            HostEnrollCertificate.self, HostBoot.self, HostAddress.self, HostNetwork.self, HostBond.self,
            HostLabel.self, HostNIC.self,
            HostLLDP.self, HostPower.self,
            HostKickstartCommand.self, HostDisks.self, HostLogsCommand.self,
            HostInstallDisk.self, HostUpgrade.self, HostRollback.self, HostReinstall.self, HostUninstall.self,
            HostRemove.self,
        ]
    )
}
