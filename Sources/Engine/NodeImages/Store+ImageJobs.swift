import GRDB
import HostModel

// Whole transitions of work on a host's disks: job, host, profile and event go together.

extension Store {
    func runningImageJob(of host: UniqueID) async throws(EngineError) -> ImageJobRow? {
        try await read { try ImageJobRow.running(of: host, in: $0) }
    }

    /// The jobs of a host, or of all, the newest first.
    func jobs(of host: UniqueID?, max: Int) async throws(EngineError) -> [JobRecord] {
        try await read { db in
            if let host { _ = try HostRow.require(host, in: db) }
            var request = ImageJobRow.order(Column("started").desc, Column("id"))
            if let host { request = request.filter(Column("host") == host) }
            let images = try request.limit(max).fetchAll(db).compactMap { row in
                try HostRow.fetch(row.host, in: db).map { JobRecord(row, of: $0) }
            }
            var others = ConversionRow.order(Column("started").desc, Column("id"))
            if let host { others = others.filter(Column("host") == host) }
            let conversions = try others.limit(max).fetchAll(db).map { try JobRecord($0, in: db) }
            var switched = PowerJobRow.order(Column("started").desc, Column("id"))
            if let host { switched = switched.filter(Column("host") == host) }
            let powers = try switched.limit(max).fetchAll(db).compactMap { row in
                try HostRow.fetch(row.host, in: db).map { JobRecord(row, of: $0) }
            }
            return Array((images + conversions + powers).sorted { $0.started > $1.started }.prefix(max))
        }
    }

    func job(_ id: UniqueID) async throws(EngineError) -> JobRecord {
        try await read { db in
            if let row = try ConversionRow.filter(Column("id") == id).fetchOne(db) { return try JobRecord(row, in: db) }
            if let row = try PowerJobRow.filter(Column("id") == id).fetchOne(db) {
                return JobRecord(row, of: try HostRow.require(row.host, in: db))
            }
            guard let row = try ImageJobRow.filter(Column("id") == id).fetchOne(db) else {
                throw EngineError(.notFound, "There is no job \(id).", remedy: "`GET jobs` lists them.")
            }
            return JobRecord(row, of: try HostRow.require(row.host, in: db))
        }
    }

    /// Begins work on a host: the host takes the status of it in the same moment.
    func beginImageJob(
        _ kind: ImageJobRow.Kind,
        of id: UniqueID,
        _ plan: ImageJobRow.Plan,
        deadline: Int64,
        context: TransitionContext
    ) async throws(EngineError) -> JobRecord {
        try await write { db in
            var host = try HostRow.require(id, in: db)
            if let running = try ImageJobRow.running(of: id, in: db) {
                throw EngineError(
                    .conflict,
                    "Host \(host.name) is at \(running.title) already.",
                    remedy: "`muster event list --watch --host \(host.name)` shows how far it is."
                )
            }
            try Self.refuseSwitched(host, in: db)
            guard try CertificateRow.valid(of: id, in: db) != nil else { throw Self.notReady(host) }
            var plan = plan
            plan.wasInMaintenance = host.status == .maintenance
            let row = ImageJobRow(
                id: .random(),
                kind: kind,
                host: id,
                state: .started,
                step: .prepare,
                deadline: deadline,
                orders: 0,
                plan: try ColumnJSON.encode(plan),
                started: context.now,
                user: context.user,
                correlation: context.correlation
            )
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            do { try live(&host, &life, .workBegan, context: context, in: db) } catch let error as EngineError
                where error.kind == .conflict
            { throw Self.notReady(host) }
            try row.insert(db)
            try forgetOldImageJobs(of: id, in: db)
            try tell(
                row,
                host,
                row.kind.startedCode,
                .normal,
                "Host \(host.name): \(row.title) has begun.",
                context,
                db
            )
            return JobRecord(row, of: host)
        }
    }

    private static func notReady(_ host: HostRow) -> EngineError {
        EngineError(
            .conflict,
            "Host \(host.name) is \(host.status.rawValue); its disks are worked on only while it is up, non_operational or in maintenance.",
            remedy: "`muster host show \(host.name)` shows where it stands."
        )
    }

    /// Stores that a step is done and which comes next. `nil` when the job was taken away.
    func advance(
        _ job: ImageJobRow,
        to next: ImageJobStep,
        _ plan: ImageJobRow.Plan,
        deadline: Int64,
        context: TransitionContext
    ) async throws(EngineError) -> ImageJobRow? {
        try await write { db in
            guard var row = try Self.current(job, in: db) else { return nil }
            var host = try HostRow.require(row.host, in: db)
            (row.step, row.deadline, row.percent, row.activity) = (next, deadline, nil, nil)
            row.plan = try ColumnJSON.encode(plan)
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            switch next {
            case .prepare, .comeBack: break
            case .write: try live(&host, &life, .workWrites, context: context, in: db)
            case .reboot:
                // Before it goes down: the machine's next boot is from its disk.
                if row.kind == .installDisk { _ = try bootFromDisk(host, at: context.now, in: db) }
                try live(&host, &life, .workReboots, context: context, in: db)
            }
            try row.update(db)
            let text = "Host \(host.name), \(row.title): \(next.title(row.kind))."
            try tell(row, host, .imageStep, .normal, text, context, db)
            return row
        }
    }

    /// Keeps how far the node is. `nil` when the job was taken away.
    func note(_ job: ImageJobRow) async throws(EngineError) -> ImageJobRow? {
        try await write { db in
            guard var row = try Self.current(job, in: db) else { return nil }
            (row.orders, row.percent, row.activity) = (job.orders, job.percent, job.activity)
            try row.update(db)
            row.deadline = job.deadline
            return row
        }
    }

    /// Ends the job, well or with a failure; the host is monitored again.
    func endImageJob(
        _ job: ImageJobRow,
        _ failure: ImageJobFailure?,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            guard var row = try Self.current(job, in: db) else { return }
            var host = try HostRow.require(row.host, in: db)
            (row.state, row.ended) = (failure == nil ? .finished : .failed, context.now)
            (row.error, row.remedy) = (failure?.reason, failure?.remedy)
            if failure == nil { (row.percent, row.activity) = (nil, nil) }
            try row.update(db)
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            let signal = HostLife.Signal.workEnded(inMaintenance: row.details.wasInMaintenance)
            try live(&host, &life, signal, context: context, in: db)
            if let failure {
                let text =
                    "Host \(host.name): \(row.title) failed. \(row.step.title(row.kind)): \(failure.reason) \(failure.remedy)"
                try tell(row, host, row.kind.failedCode, .error, text, context, db)
            } else {
                let text = "Host \(host.name): \(row.title) is done."
                try tell(row, host, row.kind.finishedCode, .normal, text, context, db)
            }
        }
    }

    /// The host was switched off in its reboot: nothing comes back by itself any more, and the job would keep a person from it
    /// for as long as a node may take. Called within the transition of the host.
    func giveUpReboot(of host: HostRow, _ context: TransitionContext, in db: Database) throws {
        guard var row = try ImageJobRow.running(of: host.id, in: db), row.kind == .reboot else { return }
        (row.state, row.ended) = (.failed, context.now)
        (row.error, row.remedy) = ("The host was switched off.", "Switch it on: `muster host power \(host.name) on`.")
        try row.update(db)
        let text = "Host \(host.name): \(row.title) failed. The host was switched off."
        try tell(row, host, row.kind.failedCode, .warning, text, context, db)
    }

    /// The host begins anew with another key: what was under way is nobody's any more.
    func abortImageJob(of host: HostRow, at now: Int64, in db: Database) throws {
        guard var row = try ImageJobRow.running(of: host.id, in: db) else { return }
        (row.state, row.ended) = (.aborted, now)
        try row.update(db)
        let text = "Host \(host.name): \(row.title) was given up; the host is installed anew."
        try record(Occurrence(row.kind.failedCode, .warning, text, host: host), at: now, in: db)
    }

    private static func current(_ job: ImageJobRow, in db: Database) throws -> ImageJobRow? {
        let row = try ImageJobRow.filter(Column("id") == job.id).fetchOne(db)
        return row?.state == .started && row?.step == job.step ? row : nil
    }

    private func tell(
        _ job: ImageJobRow,
        _ host: HostRow,
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        let occurrence = Occurrence(code, severity, text, host: host, user: job.user, correlation: job.correlation)
        try record(occurrence, at: context.now, in: db)
    }

    private func forgetOldImageJobs(of host: UniqueID, in db: Database) throws {
        try db.execute(
            literal: """
                DELETE FROM imageJob WHERE host = \(host) AND state <> 'started' AND id NOT IN (
                    SELECT id FROM imageJob WHERE host = \(host) ORDER BY started DESC LIMIT \(ImageJobRow.keptPerHost))
                """
        )
    }
}
