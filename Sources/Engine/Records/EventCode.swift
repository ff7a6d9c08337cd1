/// oVirt's audit codes (ovirt.md 1.5); ours start at 20000. Codes that a newer engine stored survive.
package struct EventCode: RawRepresentable, Hashable, Sendable, Codable {
    package var rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }
}

extension EventCode {
    /// VDS_FAILURE: the host does not answer.
    package static let hostFailure = EventCode(rawValue: 12)
    /// VDS_DETECTED: the host is up.
    package static let hostDetected = EventCode(rawValue: 13)
    /// VDS_RECOVER.
    package static let hostRecovering = EventCode(rawValue: 14)
    /// VDS_MAINTENANCE: nothing runs on the host any more.
    package static let maintenanceReached = EventCode(rawValue: 15)
    /// VDS_ACTIVATE.
    package static let activated = EventCode(rawValue: 16)
    /// VDS_MAINTENANCE_FAILED: guests are in the way.
    package static let maintenanceWaits = EventCode(rawValue: 17)
    package static let hostAdded = EventCode(rawValue: 42)
    package static let hostRemoved = EventCode(rawValue: 44)
    /// VDS_APPROVE.
    package static let approved = EventCode(rawValue: 498)
    /// APPROVE_FAILED.
    package static let approveFailed = EventCode(rawValue: 499)
    /// VDS_INSTALL: the installation is complete.
    package static let installed = EventCode(rawValue: 504)
    /// VDS_INSTALL_FAILED.
    package static let installFailed = EventCode(rawValue: 505)
    /// VDS_INSTALL_IN_PROGRESS: one a step.
    package static let installStep = EventCode(rawValue: 509)
    package static let installStepFailed = EventCode(rawValue: 511)
    package static let nonOperational = EventCode(rawValue: 517)
    package static let nonOperationalNetwork = EventCode(rawValue: 519)
    /// VDS_SET_NONOPERATIONAL_IFACE_DOWN.
    package static let nonOperationalInterfaceDown = EventCode(rawValue: 603)
    /// USER_VDS_MAINTENANCE_WITHOUT_REASON.
    package static let maintenanceOrdered = EventCode(rawValue: 600)
    /// USER_VDS_MAINTENANCE: with a reason.
    package static let maintenanceOrderedWithReason = EventCode(rawValue: 620)
    package static let registrationFailed = EventCode(rawValue: 826)
    package static let registered = EventCode(rawValue: 828)
    package static let registrationEmptyID = EventCode(rawValue: 834)
    package static let networksMatch = EventCode(rawValue: 928)
    package static let networksDiffer = EventCode(rawValue: 929)
    package static let managementBondInvalid = EventCode(rawValue: 1118)
    package static let managementVLANDiffers = EventCode(rawValue: 1119)
    package static let managementNetworkFailed = EventCode(rawValue: 1120)
    /// VDS_HOST_NOT_RESPONDING_CONNECTING: inside the grace period.
    package static let hostConnecting = EventCode(rawValue: 9027)
}

extension EventCode {
    package static let bootStep = EventCode(rawValue: 20_000)
    package static let bootFailed = EventCode(rawValue: 20_001)
    package static let bootDenied = EventCode(rawValue: 20_002)
    package static let bootProfileSet = EventCode(rawValue: 20_003)
    package static let bootAddressSet = EventCode(rawValue: 20_004)
    package static let claimReceived = EventCode(rawValue: 20_010)
    package static let claimExpired = EventCode(rawValue: 20_011)
    package static let claimRejected = EventCode(rawValue: 20_012)
    package static let claimClosed = EventCode(rawValue: 20_013)
    package static let certificateIssued = EventCode(rawValue: 20_014)
    package static let certificateRevoked = EventCode(rawValue: 20_015)
    /// The next certificate of a host did not reach it.
    package static let certificateRenewalFailed = EventCode(rawValue: 20_019)
    package static let rejectionUndone = EventCode(rawValue: 20_016)
    package static let selinuxNotEnforcing = EventCode(rawValue: 20_017)
    /// A recorded claim was sent once more.
    package static let claimReplayed = EventCode(rawValue: 20_018)
    package static let imagePublished = EventCode(rawValue: 20_020)
    package static let imageActivated = EventCode(rawValue: 20_021)
    package static let profileSaved = EventCode(rawValue: 20_022)
    package static let profileRemoved = EventCode(rawValue: 20_023)
    package static let signInFailed = EventCode(rawValue: 20_030)
    package static let userAdded = EventCode(rawValue: 20_036)
    package static let userChanged = EventCode(rawValue: 20_037)
    package static let userRemoved = EventCode(rawValue: 20_038)
    package static let passwordChanged = EventCode(rawValue: 20_039)
    package static let engineStarted = EventCode(rawValue: 20_031)
}

// Boot servers on other segments.
extension EventCode {
    package static let bootServerClaimed = EventCode(rawValue: 20_110)
    package static let bootServerClaimExpired = EventCode(rawValue: 20_111)
    package static let bootServerApproved = EventCode(rawValue: 20_112)
    package static let bootServerRefused = EventCode(rawValue: 20_113)
    package static let bootServerDenied = EventCode(rawValue: 20_114)
    package static let bootServerRemoved = EventCode(rawValue: 20_115)
    /// Steps that a boot server could not keep until the engine was back.
    package static let bootStepsLost = EventCode(rawValue: 20_116)
}

extension EventCode {
    /// Who can cause an event, and so whose events it must not push out: each class has a retention of its own.
    package enum Class: Int, Sendable, CaseIterable {
        /// What people, hosts and the engine did: approvals, installations, failures, changes.
        case other = 0
        /// What anybody can cause who reaches the engine: claims and failed sign-ins.
        case strangers = 1
        /// What anybody can cause who is on a boot network.
        case boot = 2
    }

    package var `class`: Class {
        switch self {
        case .registrationFailed, .registered, .registrationEmptyID, .claimReceived, .claimExpired, .claimReplayed,
            .signInFailed, .bootServerClaimed, .bootServerClaimExpired:
            .strangers
        case .bootStep, .bootFailed, .bootDenied, .kickstartIssued, .kickstartRefused, .bootStepsLost: .boot
        default: .other
        }
    }
}
