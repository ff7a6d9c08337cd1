import GRDB
import HostConversion
import HostModel

// How a conversion goes on and ends. Whoever finds his record gone or ended has been overruled, and stops.

extension Store {
    func runningConversion(of host: UniqueID) async throws(EngineError) -> ConversionRow? {
        try await read { try ConversionRow.running(of: host, in: $0) }
    }

    /// `nil` once it has ended, or was given up.
    func conversion(_ id: UniqueID) async throws(EngineError) -> ConversionRow? {
        try await read { try ConversionRow.require(id, in: $0) }
    }

    /// What an engine goes on with when it starts.
    func conversionsToGoOn() async throws(EngineError) -> [ConversionRow] {
        try await read { db in
            try ConversionRow.filter(
                Column("state") == ImageJobRow.State.started && Column("stage") != ConversionRow.Stage.network
            )
            .order(Column("started")).fetchAll(db)
        }
    }

    func serverAccess(of host: UniqueID) async throws(EngineError) -> ServerAccess? {
        try await read { try ServerAccessRow.fetch(host, in: $0) }
    }

    /// The machine ids of all hosts but this one, and but those that only claim to be one: anybody may do that.
    func machineIDs(but host: UniqueID?) async throws(EngineError) -> [HardwareID: String] {
        try await read { db in
            let rows = try HostRow.filter(Column("hardwareID") != nil).fetchAll(db).filter {
                $0.id != host && $0.status != .pendingApproval
            }
            return Dictionary(rows.compactMap { row in row.hardwareID.map { ($0, row.name.rawValue) } }) { first, _ in
                first
            }
        }
    }

    /// Changes how a server is reached: its key was pinned, or the engine's was found to open it.
    func changeAccess(
        of host: UniqueID,
        _ change: @escaping @Sendable (inout ServerAccess) -> Void
    ) async throws(EngineError) {
        try await write { db in
            guard var access = try ServerAccessRow.fetch(host, in: db) else { return }
            change(&access)
            try ServerAccessRow.save(access, of: host, in: db)
        }
    }

    /// A change of the record with a line of its transcript, and an event where there is one. `false`: the record is not
    /// running any more.
    @discardableResult
    func note(
        _ id: UniqueID,
        _ line: ConversionLine,
        event: (EventCode, EventRecord.Severity, String)? = nil,
        at now: Int64,
        _ change: @escaping @Sendable (inout ConversionRow) -> Void
    ) async throws(EngineError) -> Bool {
        try await write { db in
            guard var row = try ConversionRow.require(id, in: db) else { return false }
            let before = row.stepList
            change(&row)
            row.time(since: before, at: now)
            try row.update(db)
            try write(line, of: id, at: now, in: db)
            guard let event, let host = try HostRow.fetch(row.host, in: db) else { return true }
            try tell(event.0, event.1, event.2, host, Self.context(row, at: now), db)
            return true
        }
    }

    /// The server is done: the installation goes on over the agent, as of every node.
    func beginNetworkStage(of id: UniqueID, context: TransitionContext) async throws(EngineError) -> Bool {
        try await write { db in
            guard var row = try ConversionRow.require(id, in: db), row.stage == .server else { return false }
            guard row.detail.abort == nil else { return false }
            let host = try HostRow.require(row.host, in: db)
            guard host.status == .installing else { return false }
            row.stage = .network
            row.mark(InstallStep.contact.rawValue, .started)
            try row.update(db)
            try storeInstallation(of: host, context, in: db)
            try write(
                ConversionLine("network", "The server is done; its agent is asked."),
                of: id,
                at: context.now,
                in: db
            )
            return true
        }
    }

    /// Ends it while the server is worked on, or while it reboots.
    func endConversion(
        _ id: UniqueID,
        failure: ConversionFailure?,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            guard var row = try ConversionRow.require(id, in: db), var host = try HostRow.fetch(row.host, in: db) else {
                return
            }
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            if let failure, host.status == .installFailed {
                // Its network could not be set up, and then all was taken back.
                try finish(row, failure, context, db)
                let text = "Host \(host.name): \(row.title) failed. \(failure.reason) \(failure.remedy)"
                try tell(.installStepFailed, .error, text, host, context, db)
            } else if let failure {
                // A host that is one stays it where nothing was changed.
                let isUntouched =
                    failure.isBeforeFirstChange && row.kind != .convert && row.detail.hadFailed != true
                let goesOn = row.stage == .reboot || isUntouched
                try finish(row, failure, context, db)
                let signal: HostLife.Signal =
                    goesOn
                    ? .workEnded(inMaintenance: isUntouched && row.detail.wasInMaintenance, isDone: false)
                    : .conversionFailed(failure)
                try live(&host, &life, signal, context: context, in: db)
                guard goesOn else { return }
                let code: EventCode = row.kind == .uninstall ? .uninstallFailed : .installStepFailed
                let text = "Host \(host.name): \(row.title) failed. \(failure.reason) \(failure.remedy)"
                try tell(code, .error, text, host, context, db)
            } else {
                if row.provesHost { try beginProof(&row, context, db) } else { try finish(row, nil, context, db) }
                try live(
                    &host,
                    &life,
                    .workEnded(inMaintenance: row.detail.endsInMaintenance),
                    context: context,
                    in: db
                )
                try tell(.installed, .normal, "Host \(host.name) installed.", host, context, db)
            }
        }
    }

    /// The installation over the agent has ended; called within the transition of its host.
    func endNetworkStage(
        of host: HostRow,
        _ signal: HostLife.Signal,
        context: TransitionContext,
        in db: Database
    ) throws {
        guard var row = try ConversionRow.running(of: host.id, in: db), row.stage == .network else { return }
        guard row.detail.proofDeadline == nil else { return try prove(&row, host, signal, context, db) }
        switch signal {
        case .installed where row.provesHost: try beginProof(&row, context, db)
        case .installed, .workEnded: try finish(row, nil, context, db)
        case .workReboots:
            row.stage = .reboot
            row.mark(ConversionSteps.rebootName, .started)
            try row.update(db)
        case .installFailed(let failure):
            row.mark(failure.step.rawValue, .failed)
            let reason = "\(failure.step.title): \(failure.reason)"
            let known = ConversionFailure(step: failure.step.rawValue, reason, remedy: failure.remedy)
            guard row.detail.options.undoesFailure else { return try finish(row, known, context, db) }
            row.stage = .server
            row.beginUndo(for: known)
            try row.update(db)
            try write(ConversionLine(known.step, "failed: \(reason)"), of: row.id, at: context.now, in: db)
        default: return
        }
    }

    /// The server is as it was, or as far as it goes; the host is forgotten.
    func endUninstall(
        _ id: UniqueID,
        _ report: [String],
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            guard var row = try ConversionRow.require(id, in: db), let host = try HostRow.fetch(row.host, in: db) else {
                return
            }
            row.detail.report = report
            row.mark(ConversionSteps.forgetName, .finished)
            try finish(row, nil, context, db)
            try CertificateRow.revoke(of: host.id, at: context.now, in: db)
            try HostRow.filter(Column("id") == host.id).deleteAll(db)
            let counted =
                report.isEmpty ? "the server is as it was before." : "\(report.count) things differ from before."
            let rest = row.detail.undone?.foundNothing == true ? "\(report.joined())." : counted
            try tell(.uninstalled, .normal, "Host \(host.name) was uninstalled: \(rest)", host, context, db)
        }
    }

    /// Gives up what runs: its host is removed, or approved with another key. Whoever works on it sees that, and stops.
    @discardableResult
    func abortConversion(of host: UniqueID, at now: Int64, in db: Database) throws -> Bool {
        guard var row = try ConversionRow.running(of: host, in: db) else { return false }
        (row.state, row.ended) = (.aborted, now)
        try row.update(db)
        return true
    }

    func finish(
        _ known: ConversionRow,
        _ failure: ConversionFailure?,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        var row = known
        (row.state, row.ended) = (failure == nil ? .finished : .failed, context.now)
        (row.error, row.remedy) = (failure?.reason, failure?.remedy)
        if let failure {
            row.mark(failure.step, .failed)
        } else if let last = row.stepList.last {
            row.mark(last.name, .finished)
        }
        try row.update(db)
        let text = failure.map { "\($0.reason)\n\($0.log)" } ?? "done"
        try write(ConversionLine(failure?.step ?? "end", text), of: row.id, at: context.now, in: db)
    }

    func write(_ line: ConversionLine, of job: UniqueID, at now: Int64, in db: Database) throws {
        let text = String(line.text.prefix(bytes: ConversionLine.textMax))
        try db.execute(
            literal: """
                INSERT INTO conversionLine (job, number, time, step, text)
                SELECT \(job), coalesce(max(number), 0) + 1, \(now), \(line.step), \(text)
                FROM conversionLine WHERE job = \(job);
                DELETE FROM conversionLine WHERE job = \(job)
                AND number <= (SELECT max(number) FROM conversionLine WHERE job = \(job)) - \(ConversionLine.countMax)
                """
        )
    }

    /// What was kept of a conversion, oldest first: its end, in `ConversionLine.transcriptMax` bytes. Where earlier entries
    /// are left out the first one says so.
    func transcript(of id: UniqueID) async throws(EngineError) -> [ConversionLine] {
        try await read { db in
            guard try ConversionRow.filter(Column("id") == id).fetchCount(db) > 0 else {
                throw EngineError(.notFound, "There is no conversion \(id).", remedy: "`GET jobs` lists the jobs.")
            }
            let sql = "SELECT number, time, step, text FROM conversionLine WHERE job = ? ORDER BY number DESC"
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [id])
            var lines: [ConversionLine] = []
            var (left, room) = (0, ConversionLine.transcriptMax)
            while let row = try rows.next() {
                var line = ConversionLine(row["step"], row["text"])
                line.time = row["time"]
                room -= line.bytes
                guard room >= 0 else { break }
                lines.append(line)
                left = row["number"] - 1
            }
            if left > 0 { lines.append(.leftOut(left, before: lines.last)) }
            return lines.reversed()
        }
    }

    private static func context(_ row: ConversionRow, at now: Int64) -> TransitionContext {
        TransitionContext(now: now, times: MonitoringTimes(), user: row.user, correlation: row.correlation)
    }
}

/// One entry of a conversion's transcript; safe on a terminal.
package struct ConversionLine: Hashable, Sendable {
    /// Milliseconds since 1970; set when it is stored.
    package var time: Int64 = 0
    package var step: String
    package var text: String

    init(_ step: String, _ text: String) { (self.step, self.text) = (step, text) }

    /// Bytes of one's text, and how many of one conversion are kept, the newest.
    static let textMax = 20_000
    static let countMax = 2000
    /// Bytes of a transcript that is shown: half of what our client takes as one answer (`TransportLimits`).
    static let transcriptMax = 4 << 20
    /// What stands around an entry's step and text, such as its time.
    private static let frameBytes = 64

    var bytes: Int { step.utf8.count + text.utf8.count + Self.frameBytes }

    /// `newer`: the oldest that is shown.
    static func leftOut(_ count: Int, before newer: ConversionLine?) -> ConversionLine {
        var line = ConversionLine("transcript", "\(count) earlier entries are left out.")
        line.time = newer?.time ?? 0
        return line
    }
}

/// Why a conversion ended without what was wanted.
struct ConversionFailure: Hashable, Sendable, Codable {
    /// The step's name; of HostModel's steps, or of `ConversionSteps`.
    var step: String
    /// A sentence, escaped.
    var reason: String
    var remedy: String
    /// What the server's programs said, escaped.
    var log = ""
    /// The server could not be signed in to, or a finding forbids it.
    var isBeforeFirstChange = false

    init(step: String, _ reason: String, remedy: String) {
        (self.step, self.reason, self.remedy) = (step, reason, remedy)
    }

    init(_ error: ConversionError, in step: String) {
        self.init(step: step, sentence(error.message), remedy: sentence(error.remedy))
        log = error.detail
    }
}

/// The rooms below write parts of sentences; events are whole ones.
func sentence(_ text: String) -> String {
    let begun = text.prefix(1).uppercased() + text.dropFirst()
    return begun.hasSuffix(".") || begun.hasSuffix("\n") ? begun : begun + "."
}
