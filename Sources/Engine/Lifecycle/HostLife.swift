import HostModel

/// Where a host stands and what leads on from there (ovirt.md 1.2). Knows no clock, database or socket: signals in,
/// effects out.
struct HostLife: Hashable, Sendable {
    private(set) var status: HostStatus
    private(set) var detail: String?
    /// Refreshes that failed in a row.
    private(set) var failures = 0
    /// Milliseconds since 1970; the grace period counts from here.
    private(set) var lastContact: Int64
    /// Since when the agent says that it recovers.
    private(set) var recoveringSince: Int64?

    init(status: HostStatus, detail: String? = nil, lastContact: Int64) {
        (self.status, self.detail, self.lastContact) = (status, detail, lastContact)
    }

    enum Signal: Hashable, Sendable {
        /// A person approved; with a new key any host starts over, without one only a host that waits for it.
        case approved(hasNewKey: Bool)
        case installed
        case installFailed(InstallFailure)
        /// The capabilities were read and break no rule.
        case fit
        case unfit(Unfitness)
        /// The agent answered something short of its capabilities.
        case heard
        /// The agent answered code 99.
        case recovering
        /// No connection, or no answer in time. A sentence of why.
        case silent(String)
        /// Work on its disks was ordered; the stored job goes with it.
        case workBegan
        /// The node writes.
        case workWrites
        /// The node is told to reboot.
        case workReboots
        /// However it ended, the host is looked at anew; one that was in maintenance goes back there.
        case workEnded(inMaintenance: Bool, isDone: Bool = true)
        /// A server that is a host already is converted once more.
        case conversionBegan
        /// The conversion is taken back.
        case removalBegan
        /// Either ended without what was wanted.
        case conversionFailed(ConversionFailure)
        /// The machine was switched off.
        case poweredOff
        /// It was switched on and starts; its silence is no failure meanwhile.
        case powerCycles
        /// It crashed and writes a dump of its memory.
        case dumpBegan
        /// Its agent answered after that.
        case powerBack
        /// It did not answer in time. A sentence of why.
        case powerLost(String)
        /// A machine that was announced is switched on once more.
        case arrivalBegan
        /// It did not come by itself.
        case arrivalFailed(ArrivalFailure)
        /// A person takes it out of service; the reason is his own words.
        case deactivated(reason: String?)
        /// A person takes it into service again.
        case activated
        /// No guest runs on it.
        case drained
        /// It came up and did not fit its cluster in time: it is taken back.
        case conversionUnfit(ConversionFailure)
    }

    enum Effect: Hashable, Sendable {
        case tell(EventCode, EventRecord.Severity, String)
        /// An installation is to be stored as a job.
        case install
        /// This status does not allow this signal; nothing changed.
        case refuse
    }

    /// Moves on. `name` is the host's, for the sentences; `now` is in milliseconds since 1970.
    mutating func handle(_ signal: Signal, of name: HostName, at now: Int64, _ times: MonitoringTimes) -> [Effect] {
        switch signal {
        case .approved(let hasNewKey): approve(hasNewKey: hasNewKey, name)
        case .installed: finishInstallation(name, at: now)
        case .installFailed(let failure): failInstallation(failure, name)
        case .fit: rise(name, at: now)
        case .unfit(let unfitness): sink(unfitness, name, at: now)
        case .heard: hear(at: now)
        case .recovering: recover(name, at: now, times)
        case .silent(let reason): lose(reason, name, at: now, times)
        case .workBegan: begin(when: [.up, .nonOperational, .maintenance], .preparingForMaintenance)
        case .workWrites: begin(when: [.preparingForMaintenance], .installing)
        case .workReboots: begin(when: [.installing, .preparingForMaintenance], .reboot)
        case .workEnded(let inMaintenance, let isDone): end(isDone: isDone, inMaintenance: inMaintenance)
        case .conversionBegan: begin(when: Self.restful, .installing)
        case .removalBegan: begin(when: Self.restful, .preparingForMaintenance)
        case .conversionFailed(let failure): failConversion(failure, name)
        case .poweredOff: leave(for: .down)
        case .powerCycles: leave(for: .reboot)
        case .dumpBegan: leave(for: .kdumping)
        case .powerBack: comeBack(at: now)
        case .powerLost(let reason): stayAway(reason, name)
        case .arrivalBegan: begin(when: [.installingOS, .installFailed], .installingOS)
        case .arrivalFailed(let failure): stayOut(failure, name)
        case .deactivated(let reason): deactivate(reason, name)
        case .activated: activate(name)
        case .drained: rest(name, at: now)
        case .conversionUnfit(let failure): giveUp(failure, name)
        }
    }

    /// Where nothing else is at work on the host.
    private static let restful: Set<HostStatus> = [
        .up, .nonOperational, .maintenance, .nonResponsive, .connecting, .initializing, .installFailed, .error, .down,
        .unassigned,
    ]
}

extension HostLife {
    /// A stretch of work on the host's disks, which tells its own events.
    private mutating func begin(when former: Set<HostStatus>, _ next: HostStatus) -> [Effect] {
        guard former.contains(status) else { return [.refuse] }
        move(to: next)
        return []
    }

    /// A server that was switched off in the reboot of its conversion is `down` until it is heard again: a conversion that ends
    /// without it changes nothing about that.
    private mutating func end(isDone: Bool, inMaintenance: Bool) -> [Effect] {
        if status == .down, !isDone { return [] }
        return begin(
            when: [.preparingForMaintenance, .installing, .reboot, .down],
            inMaintenance ? .maintenance : .initializing
        )
    }

    /// By its power. One that is in maintenance or on the way is `down` when it is switched off (ovirt.md 1.2: Ansible's
    /// `stopped` waits for that), keeps the person's reason, and stays what it is otherwise; so does one that is not a host yet.
    private mutating func leave(for next: HostStatus) -> [Effect] {
        switch status {
        case .maintenance where next == .down, .preparingForMaintenance where next == .down:
            move(to: next, detail: detail)
        case .up, .nonOperational, .nonResponsive, .connecting, .initializing, .error, .down, .unassigned, .reboot,
            .kdumping:
            move(to: next)
        case .maintenance, .preparingForMaintenance, .installing, .installFailed, .installingOS, .pendingApproval: break
        }
        return []
    }

    private mutating func comeBack(at now: Int64) -> [Effect] {
        guard status == .reboot else { return [] }
        move(to: .initializing)
        contact(at: now)
        return []
    }

    private mutating func stayAway(_ reason: String, _ name: HostName) -> [Effect] {
        guard status == .reboot || status == .kdumping else { return [] }
        move(to: .nonResponsive)
        return [.tell(.hostFailure, .error, "Host \(name) does not respond. \(reason)")]
    }

    private mutating func stayOut(_ failure: ArrivalFailure, _ name: HostName) -> [Effect] {
        guard status == .installingOS else { return [.refuse] }
        move(to: .installFailed, detail: failure.step.rawValue)
        let text = "Host \(name) did not come. \(failure.reason) \(failure.remedy.replacing("HOST", with: "\(name)"))"
        return [.tell(.installFailed, .error, text)]
    }

    private mutating func failConversion(_ failure: ConversionFailure, _ name: HostName) -> [Effect] {
        guard status == .installing || status == .preparingForMaintenance else { return [.refuse] }
        let isRemoval = status == .preparingForMaintenance
        move(to: .installFailed, detail: failure.step)
        let text =
            isRemoval
            ? "Host \(name) could not be uninstalled. \(failure.reason) \(failure.remedy)"
            : "Host \(name) installation failed. \(failure.reason) \(failure.remedy)"
        return [.tell(isRemoval ? .uninstallFailed : .installFailed, .error, text)]
    }

    private mutating func giveUp(_ failure: ConversionFailure, _ name: HostName) -> [Effect] {
        guard status == .nonOperational else { return [.refuse] }
        move(to: .installFailed, detail: failure.step)
        return [.tell(.installFailed, .error, "Host \(name) installation failed. \(failure.reason) It is taken back.")]
    }

    private mutating func approve(hasNewKey: Bool, _ name: HostName) -> [Effect] {
        switch status {
        case .pendingApproval, .installFailed, .installingOS: break
        case .unassigned, .down, .maintenance, .up, .nonResponsive, .error, .installing, .reboot,
            .preparingForMaintenance, .nonOperational, .initializing, .connecting, .kdumping:
            guard hasNewKey else { return [.refuse] }
        }
        move(to: .installing)
        return [.install]
    }

    private mutating func finishInstallation(_ name: HostName, at now: Int64) -> [Effect] {
        guard status == .installing else { return [.refuse] }
        move(to: .initializing)
        lastContact = now
        return [.tell(.installed, .normal, "Host \(name) installed.")]
    }

    private mutating func failInstallation(_ failure: InstallFailure, _ name: HostName) -> [Effect] {
        guard status == .installing else { return [.refuse] }
        move(to: .installFailed, detail: failure.step.rawValue)
        let text =
            "Host \(name) installation failed. \(failure.step.title): \(failure.reason) \(failure.remedy)"
        let own = failure.code.map { Effect.tell($0, .error, "Host \(name): \(failure.reason)") }
        return [own, .tell(.installFailed, .error, text)].compactMap(\.self)
    }

    private mutating func rise(_ name: HostName, at now: Int64) -> [Effect] {
        guard status.isMonitored else { return [.refuse] }
        contact(at: now)
        guard status != .up, status != .preparingForMaintenance else { return [] }
        let before = status
        move(to: .up)
        return [.tell(.hostDetected, .normal, "Host \(name) is up; it was \(before.rawValue).")]
    }

    private mutating func sink(_ unfitness: Unfitness, _ name: HostName, at now: Int64) -> [Effect] {
        guard status.isMonitored else { return [.refuse] }
        contact(at: now)
        guard status != .preparingForMaintenance else { return [] }
        let isNews = status != .nonOperational || detail != unfitness.reason.rawValue
        move(to: .nonOperational, detail: unfitness.reason.rawValue)
        return isNews
            ? [.tell(unfitness.reason.code, .error, "Host \(name) is not operational. \(unfitness.text)")] : []
    }

    private mutating func hear(at now: Int64) -> [Effect] {
        guard status.isMonitored else { return [.refuse] }
        contact(at: now)
        return []
    }

    private mutating func recover(_ name: HostName, at now: Int64, _ times: MonitoringTimes) -> [Effect] {
        guard status.isMonitored else { return [.refuse] }
        let since = recoveringSince ?? now
        contact(at: now)
        recoveringSince = since
        let hasGivenUp = detail == NonOperationalReason.timeoutRecoveringFromCrash.rawValue
        guard status != .preparingForMaintenance, !hasGivenUp else { return [] }
        if now - since >= times.recovery {
            let text = "Its agent has been recovering for too long: look at the agent's log on the host."
            let effects = sink(Unfitness(reason: .timeoutRecoveringFromCrash, text: text), name, at: now)
            recoveringSince = since
            return effects
        }
        guard status != .initializing else { return [] }
        move(to: .initializing)
        recoveringSince = since
        return [.tell(.hostRecovering, .warning, "Host \(name) is initializing: its agent recovers.")]
    }

    /// The first two failures, and all within the grace period, are forgiven; then the host is given up until it
    /// answers again.
    private mutating func lose(
        _ reason: String,
        _ name: HostName,
        at now: Int64,
        _ times: MonitoringTimes
    ) -> [Effect] {
        guard status.isMonitored else { return [.refuse] }
        failures += 1
        guard status != .nonResponsive else { return [] }
        let isForgiven = failures <= times.attemptsMax || now <= lastContact + times.grace
        if isForgiven, status == .preparingForMaintenance { return [] }
        guard isForgiven else {
            move(to: .nonResponsive, keepsFailures: true)
            return [.tell(.hostFailure, .error, "Host \(name) does not respond. \(reason)")]
        }
        guard status != .connecting else { return [] }
        move(to: .connecting, keepsFailures: true)
        let seconds = times.grace / 1000
        let text =
            "Host \(name) does not answer; it has \(seconds) seconds before it is called non_responsive. \(reason)"
        return [.tell(.hostConnecting, .warning, text)]
    }

    mutating func contact(at now: Int64) { (failures, lastContact, recoveringSince) = (0, now, nil) }

    mutating func move(to status: HostStatus, detail: String? = nil, keepsFailures: Bool = false) {
        (self.status, self.detail, recoveringSince) = (status, detail, nil)
        if !keepsFailures { failures = 0 }
    }
}
