import Foundation
import GRDB
import HostModel

// Whole transitions of what is done with a host's power: job, board, host and events go together.

/// What does not stand in the database.
struct PowerMoment: Sendable {
    var times: PowerTimes
    var engineStart: Int64
    var lastDump: Int64?
}

extension Store {
    /// Hosts with power work that goes on when the engine starts.
    func hostsBeingSwitched() async throws(EngineError) -> [UniqueID] {
        try await read { try PowerJobRow.filter(Column("state") == PowerCourse.State.started).fetchAll($0).map(\.host) }
    }

    func runningPowerJob(of host: UniqueID) async throws(EngineError) -> PowerJobRow? {
        try await read { try PowerJobRow.running(of: host, in: $0) }
    }

    /// A person's order. It overrules an engine's own that only waits.
    func beginPowerJob(
        _ action: PowerAction,
        of id: UniqueID,
        bootsFromNetwork: Bool,
        context: TransitionContext
    ) async throws(EngineError) -> JobRecord {
        try await write { db in
            var host = try HostRow.require(id, in: db)
            try refusePower(of: host, action, at: context.now, in: db)
            let kind = PowerCourse.Kind(rawValue: action.rawValue) ?? .restart
            let row = try insertPowerJob(kind, of: host, bootsFromNetwork: bootsFromNetwork, context: context, in: db)
            if bootsFromNetwork, try ArrivalRow.fetch(id, in: db) != nil {
                var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
                try live(&host, &life, .arrivalBegan, context: context, in: db)
            } else if kind == .restart, try isAwaited(host, in: db) {
                // At once: oVirt's clients order a restart and wait until the host is up again.
                var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
                try live(&host, &life, .powerCycles, context: context, in: db)
            }
            return JobRecord(row, of: host)
        }
    }

    /// Throws what speaks against switching a host now.
    private func refusePower(of host: HostRow, _ action: PowerAction, at now: Int64, in db: Database) throws {
        guard try !FenceAgentRow.fetch(of: host.id, in: db).isEmpty else { throw Self.noFenceAgent(host.name) }
        if var running = try PowerJobRow.running(of: host.id, in: db) {
            guard running.step.isWaiting else { throw Self.isBeingSwitched(host.name, running) }
            (running.state, running.ended) = (.aborted, now)
            try running.update(db)
        }
        // A machine that hangs in its reboot is what power is for.
        let writes = try ImageJobRow.running(of: host.id, in: db).flatMap { $0.kind == .reboot ? nil : $0.title }
        let converts = try ConversionRow.running(of: host.id, in: db).flatMap { $0.stage == .reboot ? nil : $0.title }
        let works =
            writes ?? converts
            ?? (host.status == .installing ? "its installation" : nil)
        guard let works, action != .on else { return }
        throw EngineError(
            .conflict,
            "Host \(host.name) is at \(works), which a loss of power could ruin.",
            remedy: "Wait until it has ended: `muster event list --watch --host \(host.name)`."
        )
    }

    static func noFenceAgent(_ name: HostName) -> EngineError {
        EngineError(
            .conflict,
            "Host \(name) has no fence agent, so the engine can not switch it.",
            remedy: "Add one: `muster host power \(name) agent add --type ipmilan --address A --username U`."
        )
    }

    /// Other work on a host does not begin while it may lose its power.
    static func refuseSwitched(_ host: HostRow, in db: Database) throws {
        guard let job = try PowerJobRow.running(of: host.id, in: db), !job.step.isWaiting else { return }
        throw isBeingSwitched(host.name, job)
    }

    static func isBeingSwitched(_ name: HostName, _ job: PowerJobRow) -> EngineError {
        EngineError(
            .conflict,
            "Host \(name) is being switched already (\(job.step.title.lowercased())).",
            remedy: "`muster event list --watch --host \(name)` shows how far it is."
        )
    }

    func insertPowerJob(
        _ kind: PowerCourse.Kind,
        of host: HostRow,
        bootsFromNetwork: Bool,
        context: TransitionContext,
        in db: Database
    ) throws -> PowerJobRow {
        let course = PowerCourse(kind, at: context.now)
        let row = PowerJobRow(
            id: .random(),
            host: host.id,
            kind: kind,
            state: .started,
            step: course.step,
            since: context.now,
            attempts: 0,
            bootsFromNetwork: bootsFromNetwork,
            started: context.now,
            user: context.user,
            correlation: context.correlation
        )
        try row.insert(db)
        try noteStart(row, at: context.now, in: db)
        try db.execute(
            literal: """
                DELETE FROM powerJob WHERE id IN (
                    SELECT id FROM powerJob WHERE host = \(host.id) AND state <> 'started'
                    ORDER BY started DESC, id LIMIT -1 OFFSET \(Self.powerJobsKept))
                """
        )
        if kind != .fence {
            let boot = bootsFromNetwork ? ", and boots from the network" : ""
            let text = "Host \(host.name): \(kind.title) has begun\(boot)."
            try tellPower(.powerStarted, .normal, text, host, context, db)
        }
        return row
    }

    /// The engine switches a machine on to boot from the network: an announced one may get its token from now on.
    private func noteStart(_ row: PowerJobRow, at now: Int64, in db: Database) throws {
        guard row.step == .on, row.bootsFromNetwork else { return }
        try ArrivalRow.switchedOn(row.host, at: now, in: db)
    }

    /// Ended jobs that are kept of a host.
    static let powerJobsKept = 20

    /// A host was given up: what brings it back is stored in the same moment. One whose power is not managed waits for a
    /// person, as ever.
    func beginFencing(of host: HostRow, context: TransitionContext, in db: Database) throws {
        guard try Self.powerManagement(of: host.id, in: db).isEnabled,
            try PowerJobRow.running(of: host.id, in: db) == nil
        else { return }
        _ = try insertPowerJob(.fence, of: host, bootsFromNetwork: false, context: context, in: db)
    }
}

/// What the work on a host's power needs to know.
struct PowerTarget: Sendable {
    var job: PowerJobRow
    var host: HostRow
    var agents: [FenceAgentRow]
    var power: PowerManagement
    var access: ServerAccess?
    /// Hosts that are up and may run a fence agent for it, those of its own cluster first.
    var proxies: [PowerProxy: [UniqueID]]
}

extension Store {
    /// `nil` when nothing is to be done with the host's power.
    func powerTarget(_ id: UniqueID) async throws(EngineError) -> PowerTarget? {
        try await read { db in
            guard let host = try HostRow.fetch(id, in: db), let job = try PowerJobRow.running(of: id, in: db) else {
                return nil
            }
            return try Self.powerTarget(host, job, in: db)
        }
    }

    /// For a question only.
    func powerTarget(asking id: UniqueID, at now: Int64) async throws(EngineError) -> PowerTarget {
        try await read { db in
            let host = try HostRow.require(id, in: db)
            if let job = try PowerJobRow.running(of: id, in: db), !job.step.isWaiting {
                throw Self.isBeingSwitched(host.name, job)
            }
            let target = try Self.powerTarget(host, Self.question(of: id, at: now), in: db)
            guard !target.agents.isEmpty else { throw Self.noFenceAgent(host.name) }
            return target
        }
    }

    /// A job that is stored nowhere.
    private static func question(of host: UniqueID, at now: Int64) -> PowerJobRow {
        PowerJobRow(
            id: .random(),
            host: host,
            kind: .on,
            state: .started,
            step: .confirmOn,
            since: now,
            attempts: 0,
            bootsFromNetwork: false,
            started: now
        )
    }

    /// The same for a host that is not stored yet.
    func powerTarget(
        announcing host: HostRow,
        _ board: FenceAgentSettings,
        _ agent: UniqueID,
        _ password: Data
    ) async throws(EngineError) -> PowerTarget {
        try await read { db in
            var target = try Self.powerTarget(host, Self.question(of: host.id, at: host.created), in: db)
            target.agents = [try FenceAgentRow(agent, of: host.id, board, turn: 1, password: password)]
            return target
        }
    }

    private static func powerTarget(_ host: HostRow, _ job: PowerJobRow, in db: Database) throws -> PowerTarget {
        let sql = """
            SELECT host.id, host.cluster FROM host JOIN cluster ON cluster.id = host.cluster
            WHERE host.id <> ? AND host.status = 'up'
                AND cluster.dataCenter = (SELECT dataCenter FROM cluster WHERE id = ?)
            """
        let others = try Row.fetchAll(db, sql: sql, arguments: [host.id, host.cluster])
        let near: [UniqueID] = others.filter { $0["cluster"] == host.cluster }.map { $0["id"] }
        return PowerTarget(
            job: job,
            host: host,
            agents: try FenceAgentRow.fetch(of: host.id, in: db),
            power: try powerManagement(of: host.id, in: db),
            access: try ServerAccessRow.fetch(host.id, in: db),
            proxies: [.cluster: near, .dc: others.map { $0["id"] }]
        )
    }

    /// Takes what became of one order. Gives what is stored now, and whether the host is another one since; `nil` when
    /// somebody else has ended the job.
    func advancePower(
        _ job: PowerJobRow,
        _ signal: PowerCourse.Signal,
        _ moment: PowerMoment,
        context: TransitionContext
    ) async throws(EngineError) -> (job: PowerJobRow, hostChanged: Bool)? {
        try await write { db in
            guard var row = try PowerJobRow.filter(Column("id") == job.id).fetchOne(db), row.state == .started,
                row.step == job.step, var host = try HostRow.fetch(job.host, in: db)
            else { return nil }
            let facts = try powerFacts(of: host, moment, in: db)
            var course = row.course
            let effects = course.handle(signal, facts, at: context.now, moment.times)
            let (former, before) = (row, host.version)
            row.take(course)
            for effect in effects {
                try apply(effect, to: &row, &host, moment, context: context, in: db)
            }
            // Whoever only waits looks every few seconds, and must not cost the disk anything.
            if row != former { try row.update(db) }
            if row.step != former.step { try noteStart(row, at: context.now, in: db) }
            return (row, host.version != before)
        }
    }

    private func apply(
        _ effect: PowerCourse.Effect,
        to row: inout PowerJobRow,
        _ host: inout HostRow,
        _ moment: PowerMoment,
        context: TransitionContext,
        in db: Database
    ) throws {
        var context = context
        (context.user, context.correlation) = (row.user, row.correlation)
        switch effect {
        case .tell(let code, let severity, let text): try tellPower(code, severity, text, host, context, db)
        case .fault(let failure):
            try Self.setFault(failure, of: host.id, times: moment.times, at: context.now, in: db)
        case .sound: try Self.clearFault(of: host.id, in: db)
        case .live(let signal):
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            try live(&host, &life, signal, context: context, in: db)
        case .end(let state, let failure):
            (row.state, row.ended) = (state, context.now)
            (row.error, row.remedy) = (failure?.text, failure?.remedy)
            if state == .failed, let failure, host.status == .installingOS {
                let failure = ArrivalFailure(step: .power, reason: failure.text, remedy: failure.remedy)
                try fail(&host, failure, context: context, in: db)
            }
        }
    }

    /// Its agent is to come back, and nobody else waits for that.
    private func isAwaited(_ host: HostRow, in db: Database) throws -> Bool {
        switch host.status {
        case .maintenance, .preparingForMaintenance, .installingOS, .installing, .installFailed, .pendingApproval:
            return false
        case .up, .nonOperational, .nonResponsive, .connecting, .initializing, .error, .down, .unassigned, .reboot,
            .kdumping:
            return try CertificateRow.valid(of: host.id, in: db) != nil
                && ImageJobRow.running(of: host.id, in: db) == nil && ConversionRow.running(of: host.id, in: db) == nil
        }
    }

    private func powerFacts(of host: HostRow, _ moment: PowerMoment, in db: Database) throws -> PowerFacts {
        let power = try Self.powerManagement(of: host.id, in: db)
        var facts = PowerFacts(name: host.name, status: host.status)
        facts.hasAgent = try isAwaited(host, in: db)
        facts.isEnabled = power.isEnabled
        facts.detectsKdump = power.detectsKdump
        facts.retry = power.fault?.retry
        (facts.engineStart, facts.lastDump) = (moment.engineStart, moment.lastDump)
        facts.policy = try Self.fencingPolicy(of: host.cluster, in: db)
        facts.lastSwitched = try Int64.fetchOne(
            db,
            sql:
                "SELECT max(ended) FROM powerJob WHERE host = ? AND state IN ('finished', 'failed') AND step NOT IN ('soft', 'soft_wait', 'hold', 'kdump')",
            arguments: [host.id]
        )
        let counts = try Row.fetchOne(
            db,
            sql: """
                SELECT count(*) AS hosts, ifnull(sum(status IN ('non_responsive', 'connecting') OR EXISTS (
                    SELECT 1 FROM powerJob WHERE powerJob.host = host.id AND kind = 'fence' AND state = 'started')), 0) AS silent
                FROM host WHERE cluster = ? AND status NOT IN
                    ('pending_approval', 'maintenance', 'preparing_for_maintenance', 'down', 'installing_os', 'installing',
                     'install_failed')
                """,
            arguments: [host.cluster]
        )
        (facts.hosts, facts.silentHosts) = (counts?["hosts"] ?? 1, counts?["silent"] ?? 1)
        return facts
    }
}
