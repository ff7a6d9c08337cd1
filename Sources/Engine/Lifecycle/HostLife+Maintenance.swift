import HostModel

// Out of service and back (ovirt.md 1.2).

extension HostLife {
    /// A host that runs guests may have to wait until they are gone; one that nobody reaches, or that never was in service,
    /// is in maintenance at once.
    mutating func deactivate(_ reason: String?, _ name: HostName) -> [Effect] {
        let why = reason.map { " Reason: \($0)." } ?? ""
        let code: EventCode = reason == nil ? .maintenanceOrdered : .maintenanceOrderedWithReason
        switch status {
        case .up, .nonOperational:
            move(to: .preparingForMaintenance, detail: reason)
            return [.tell(code, .normal, "Host \(name) goes into maintenance.\(why)")]
        case .nonResponsive, .down, .error, .installFailed:
            move(to: .maintenance, detail: reason)
            return [
                .tell(code, .normal, "Host \(name) goes into maintenance.\(why)"),
                .tell(.maintenanceReached, .normal, "Host \(name) is in maintenance."),
            ]
        case .preparingForMaintenance: return []
        case .unassigned, .maintenance, .installing, .reboot, .pendingApproval, .initializing, .connecting,
            .installingOS,
            .kdumping:
            return [.refuse]
        }
    }

    /// The host is looked at anew. A drain is called off.
    mutating func activate(_ name: HostName) -> [Effect] {
        switch status {
        case .maintenance, .preparingForMaintenance, .nonOperational, .nonResponsive, .down, .error: break
        case .unassigned, .up, .installing, .installFailed, .reboot, .pendingApproval, .initializing, .connecting,
            .installingOS, .kdumping:
            return [.refuse]
        }
        move(to: .unassigned)
        return [.tell(.activated, .normal, "Host \(name) was activated.")]
    }

    mutating func rest(_ name: HostName, at now: Int64) -> [Effect] {
        guard status == .preparingForMaintenance else { return [.refuse] }
        contact(at: now)
        move(to: .maintenance, detail: detail)
        return [.tell(.maintenanceReached, .normal, "Host \(name) is in maintenance.")]
    }
}
