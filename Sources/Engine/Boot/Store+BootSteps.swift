import GRDB
import HostModel

/// A boot step on its way into the events.
struct BootStepReport: Sendable {
    var step: BootEvent
    /// False beyond the limits: then only its outcome counts.
    var isTold: Bool
    /// When it happened, in milliseconds since 1970.
    var time: Int64
}

extension Store {
    /// The hosts that machines are; `nil` for those that are none.
    func hosts(of steps: [BootEvent]) async throws(EngineError) -> [UniqueID?] {
        try await read { db in
            try steps.map { try Self.host(mac: $0.mac, or: $0.hardwareID, in: db)?.id }
        }
    }

    /// Records boot steps as events of the machine's host, and spends the next-boot profile of a machine that got what
    /// it says. Of steps that are not told only that counts: they were too many.
    func record(_ reports: [BootStepReport], at now: Int64) async throws(EngineError) {
        let reports = reports.filter { $0.isTold || $0.step.outcome != nil }
        guard !reports.isEmpty else { return }
        try await write { try record(reports, by: nil, at: now, in: $0) }
    }

    /// `server`: the boot server on another segment that saw them.
    func record(_ reports: [BootStepReport], by server: HostName?, at now: Int64, in db: Database) throws {
        for report in reports {
            let host = try Self.host(mac: report.step.mac, or: report.step.hardwareID, in: db)
            if report.isTold {
                try record(Occurrence(report.step, of: host, by: server), at: report.time, in: db)
            }
            if let host { try spend(report.step, of: host, at: now, in: db) }
        }
    }

    /// Only the profile that the machine got is spent: another may have been set meanwhile. A refusal starts the time for
    /// which it holds, because a denied machine asks again and again.
    private func spend(_ step: BootEvent, of host: HostRow, at now: Int64, in db: Database) throws {
        guard let profile = step.outcome else { return }
        if try Self.profile(profile, in: db)?.mode == .install {
            return try endInstallation(step, of: host, profile, at: now, in: db)
        }
        if step.stage == .denied {
            try db.execute(
                literal: """
                    UPDATE bootAssignment SET firstDenied = \(now)
                    WHERE host = \(host.id) AND schedule = 'next' AND profile = \(profile) AND firstDenied IS NULL
                    """
            )
        } else {
            try db.execute(
                literal: """
                    DELETE FROM bootAssignment
                    WHERE host = \(host.id) AND schedule = 'next' AND profile = \(profile)
                    """
            )
        }
    }

    /// A machine that is being installed boots the same again until it says that it is done, whatever cut it off; then it
    /// boots from its disk.
    private func endInstallation(
        _ step: BootEvent,
        of host: HostRow,
        _ profile: String,
        at now: Int64,
        in db: Database
    ) throws {
        guard step.stage == .installed else { return }
        let (current, _) = try Self.profileName(for: host, deniedBefore: now, in: db)
        guard current == profile else { return }
        let local = try bootFromDisk(host, at: now, in: db)
        let text = "Host \(host.name) is installed (\(profile)); it boots from its own disk from now on (\(local))."
        try record(Occurrence(.systemInstalled, .normal, text, host: host), at: now, in: db)
    }

    /// Forgets the next-boot profiles of hosts that were denied by them long enough.
    func expireDenials(before time: Int64, in db: Database) throws {
        try db.execute(literal: "DELETE FROM bootAssignment WHERE schedule = 'next' AND firstDenied <= \(time)")
    }
}
