/// The verbs of VDSM's class Host that this agent answers.
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
    /// `SetupNetworksParameters` -> `true`.
    case setupNetworks = "Host.setupNetworks"
    /// Makes the running network configuration the one that is restored at boot.
    case setSafeNetworkConfig = "Host.setSafeNetworkConfig"
}
