/// The verbs of VDSM's class Host that this agent answers, and ours for what VDSM leaves to its node images.
package enum HostVerb: String, CaseIterable, Hashable, Sendable {
    /// Answers `true`; also proof that the engine is heard.
    case ping2 = "Host.ping2"
    /// `ping2` of older engines.
    case ping = "Host.ping"
    /// The engine is heard: ends the wait of a running setupNetworks.
    case confirmConnectivity = "Host.confirmConnectivity"
    /// `HostCapabilities`.
    case getCapabilities = "Host.getCapabilities"
    /// `HostStatistics`.
    case getStats = "Host.getStats"
    /// `HardwareInformation`.
    case getHardwareInfo = "Host.getHardwareInfo"
    /// `GuestSelection` -> ids, or `GuestReport`s.
    case getVMList = "Host.getVMList"
    /// `GuestSelection` -> `GuestReport`s.
    case getVMFullList = "Host.getVMFullList"
    /// `GuestStatistics` of each guest.
    case getAllVmStats = "Host.getAllVmStats"
    /// `GuestSelection` -> libvirt's definitions by id.
    case dumpxmls = "Host.dumpxmls"
    /// `SetupNetworksParameters` -> `true`.
    case setupNetworks = "Host.setupNetworks"
    /// `SetupNetworksParameters` -> `{"plan": [line]}`: what `setupNetworks` would do. Ours.
    case planNetworks = "Host.planNetworks"
    /// Makes the running network configuration the one that is restored at boot.
    case setSafeNetworkConfig = "Host.setSafeNetworkConfig"
    /// `FenceOrder` -> `{"power": "on"|"off"}` of `status`, `{"operationStatus": "initiated"}` of everything else; code 1
    /// with the agent's words when it fails.
    case fenceNode = "Host.fenceNode"
    /// `HostDeviceSelection` -> `HostDeviceReport`s by libvirt's name of the device.
    case hostdevListByCaps = "Host.hostdevListByCaps"
    /// `VirtualFunctionsOrder` -> `true`: how many virtual functions a network card has.
    case hostdevChangeNumvfs = "Host.hostdevChangeNumvfs"
    /// `filter.devices` -> `LLDPReports`: what the switches say at the other ends of the NICs.
    case getLldp = "Host.getLldp"
    /// Answers its `message`.
    case echo = "Host.echo"
    /// Answers `true`; there is no memory overcommitment manager whose policy could be set.
    case setMOMPolicyParameters = "Host.setMOMPolicyParameters"
    /// No storage, so no tasks of it: `{}`.
    case getAllTasksStatuses = "Host.getAllTasksStatuses"
    case getAllTasksInfo = "Host.getAllTasksInfo"
    /// `NodeDisks`. Ours.
    case getDisks = "Host.getDisks"
    /// `ImageWork` -> `InstallationPlan`: what `installImage` would do, or why it refuses. Ours.
    case planInstallation = "Host.planInstallation"
    /// `ImageWork` -> `true` once it has begun. Ours.
    case installImage = "Host.installImage"
    /// `ImageWork` -> `true` once it has begun. Ours.
    case upgradeImage = "Host.upgradeImage"
    /// `ImageWork` -> `true` once it has begun. Ours.
    case rollbackImage = "Host.rollbackImage"
    /// `NodeJobs`; VDSM's, with what its jobs have not: step and remedy.
    case getJobs = "Host.getJobs"
    /// `lines` -> `NodeLogs`. Ours.
    case getLogs = "Host.getLogs"
    /// `certificate`, a chain in PEM for the key that the agent has -> `true`; the agent's connections end, and it shows the
    /// new one. Ours.
    case renewCertificate = "Host.renewCertificate"
    /// `true`, and then the machine reboots; refused while it works on its disks. Ours.
    case reboot = "Host.reboot"
}
