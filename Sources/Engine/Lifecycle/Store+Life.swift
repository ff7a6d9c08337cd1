import GRDB
import HostModel

// Whole transitions of a host's life.

extension Store {
    /// Lets a host live through a signal, within a transaction: status, events and the stored job go together.
    func live(
        _ host: inout HostRow,
        _ life: inout HostLife,
        _ signal: HostLife.Signal,
        context: TransitionContext,
        in db: Database
    ) throws {
        let before = host.status
        let effects = life.handle(signal, of: host.name, at: context.now, context.times)
        if effects.contains(.refuse) {
            throw EngineError(
                .conflict,
                "Host \(host.name) is \(host.status.rawValue); that does not allow this.",
                remedy: "`muster host show \(host.name)` says where it stands; once that has changed, try again."
            )
        }
        if host.status != life.status || host.statusDetail != life.detail {
            (host.status, host.statusDetail) = (life.status, life.detail)
            try host.save(in: db)
        }
        for case .tell(let code, let severity, let text) in effects {
            let occurrence = Occurrence(
                code,
                severity,
                text,
                host: host,
                user: context.user,
                correlation: context.correlation
            )
            try record(occurrence, at: context.now, in: db)
        }
        if case .poweredOff = signal { try giveUpReboot(of: host, context, in: db) }
        if case .silent = signal, host.status == .nonResponsive, before != .nonResponsive {
            try beginFencing(of: host, context: context, in: db)
        }
        if effects.contains(.install) {
            try abortImageJob(of: host, at: context.now, in: db)
            try abortConversion(of: host.id, at: context.now, in: db)
            try storeInstallation(of: host, context, in: db)
        }
        if life.status != .installing { try endNetworkStage(of: host, signal, context: context, in: db) }
        if life.status != .installing { try JobRow.filter(Column("host") == host.id).deleteAll(db) }
    }

    /// The same as a transaction of its own, on a host that must not have changed since `host` was read.
    func live(
        _ host: HostRow,
        _ life: HostLife,
        _ signal: HostLife.Signal,
        context: TransitionContext
    ) async throws(EngineError) -> (HostRow, HostLife) {
        try await write { db in
            // Reports do not count as changes, so the stored row may know more than the caller's.
            var (current, life) = (try HostRow.require(host.id, in: db), life)
            guard current.version == host.version else {
                throw EngineError(.conflict, "Host \(host.name) was changed meanwhile.")
            }
            try live(&current, &life, signal, context: context, in: db)
            return (current, life)
        }
    }

    func storeInstallation(of host: HostRow, _ context: TransitionContext, in db: Database) throws {
        try JobRow.filter(Column("host") == host.id).deleteAll(db)
        let job = JobRow(
            id: .random(),
            kind: .install,
            host: host.id,
            step: .contact,
            deadline: context.now + context.times.firstContact,
            attempts: 0,
            user: context.user,
            correlation: context.correlation
        )
        try job.insert(db)
    }
}

/// What a transition knows beside the host: when, by whom, and the limits that hold.
struct TransitionContext: Sendable {
    var now: Int64
    var times: MonitoringTimes
    var user: String?
    var correlation: String?
}

extension Store {
    /// An event of a host that is there.
    func tell(
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        of host: UniqueID,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            guard let host = try HostRow.fetch(host, in: db) else { return }
            try tell(code, severity, text, host, context, db)
        }
    }

    func installation(of host: UniqueID) async throws(EngineError) -> JobRow? {
        try await read { try JobRow.filter(Column("host") == host).fetchOne($0) }
    }

    /// Counts a run of the current step. `nil` when the job is gone or was replaced.
    func startStep(of job: JobRow, host: HostRow, context: TransitionContext) async throws(EngineError) -> JobRow? {
        try await write { db in
            guard var current = try JobRow.filter(Column("id") == job.id).fetchOne(db), current.step == job.step else {
                return nil
            }
            if current.attempts == 0 {
                let text = "Installing host \(host.name). \(job.step.title)."
                try record(Occurrence(.installStep, .normal, text, host: host), at: context.now, in: db)
            }
            current.attempts += 1
            try current.update(db)
            return current
        }
    }

    /// Stores that a step is done and which comes next. `nil` when the job is gone or was replaced.
    func finishStep(
        of job: JobRow,
        next: InstallStep,
        deadline: Int64
    ) async throws(EngineError) -> JobRow? {
        try await write { db in
            guard var current = try JobRow.filter(Column("id") == job.id).fetchOne(db), current.step == job.step else {
                return nil
            }
            (current.step, current.deadline, current.attempts) = (next, deadline, 0)
            try current.update(db)
            return current
        }
    }
}
