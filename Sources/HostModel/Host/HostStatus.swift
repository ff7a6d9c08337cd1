/// Where a host stands in its life. Raw values are oVirt's REST names; `number` is the value oVirt's database uses.
package enum HostStatus: String, CaseIterable, Hashable, Sendable, Codable {
    case unassigned
    case down
    case maintenance
    case up
    case nonResponsive = "non_responsive"
    case error
    case installing
    case installFailed = "install_failed"
    case reboot
    case preparingForMaintenance = "preparing_for_maintenance"
    case nonOperational = "non_operational"
    case pendingApproval = "pending_approval"
    case initializing
    case connecting
    case installingOS = "installing_os"
    case kdumping

    /// oVirt's number for the status (VDSStatus), 0 to 15, in the order of the cases.
    package var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// True where the engine refreshes the host periodically.
    package var isMonitored: Bool {
        switch self {
        case .unassigned, .up, .nonResponsive, .error, .preparingForMaintenance, .nonOperational, .initializing,
            .connecting:
            true
        case .down, .maintenance, .installing, .installFailed, .reboot, .pendingApproval, .installingOS, .kdumping:
            false
        }
    }
}
