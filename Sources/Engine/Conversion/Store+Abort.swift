import GRDB
import HostModel

// Ending a stored job before its time: whole transitions of job, host and event.

/// What became of the wish to end a job.
struct AbortAnswer: Sendable {
    var host: UniqueID
    /// Something may be at work on the server: whoever has the job's desk ends it.
    var isStopping: Bool
}

extension Store {
    /// Ends a job at once where nothing is under way that has to be stopped, or stores that it is to be stopped. Throws why
    /// it cannot be.
    func abortJob(_ id: UniqueID, graceSeconds: Int, context: TransitionContext) async throws(EngineError)
        -> AbortAnswer
    {
        try await write { db in
            if let row = try ConversionRow.filter(Column("id") == id).fetchOne(db) {
                return try abort(row, graceSeconds, context, db)
            }
            guard let row = try ImageJobRow.filter(Column("id") == id).fetchOne(db) else {
                throw EngineError(.notFound, "There is no job \(id).", remedy: "`muster job list` shows them.")
            }
            return try abort(row, context, db)
        }
    }

    private func abort(
        _ known: ConversionRow,
        _ graceSeconds: Int,
        _ context: TransitionContext,
        _ db: Database
    ) throws -> AbortAnswer {
        var row = known
        guard row.state == .started, let host = try HostRow.fetch(row.host, in: db) else {
            throw Self.ended(row.hostName, row.title, row.state)
        }
        let answer = AbortAnswer(host: host.id, isStopping: row.stage == .server && row.detail.hasBegun == true)
        guard row.detail.abort == nil else { return answer }
        if row.stage == .reboot {
            throw EngineError(
                .conflict,
                "Host \(host.name): \(row.title) cannot be aborted: the server was told to reboot.",
                remedy:
                    "It ends when the agent answers after the next boot; `muster host uninstall \(host.name)` takes it back."
            )
        }
        row.detail.abort = ConversionRow.Abort(user: context.user, correlation: context.correlation)
        if answer.isStopping {
            let step = row.currentStep ?? ConversionSteps.preflightName
            row.remark(step, "it is being aborted")
            try row.update(db)
            let text =
                "Host \(host.name): \(row.title) is being aborted; the step at work there has \(graceSeconds) s for its end."
            try write(ConversionLine(step, text), of: row.id, at: context.now, in: db)
            try tell(.jobAborted, .normal, text, host, context, db)
            return answer
        }
        let step = try JobRow.filter(Column("host") == host.id).fetchOne(db)?.step.rawValue
        let name = step ?? row.currentStep ?? row.stepList.first?.name ?? ConversionSteps.preflightName
        let place = row.detail.proofDeadline != nil ? "while it was watched" : step.map { "in the step \($0)" }
        try endAborted(row, host, step: name, place ?? "before anything was changed there", context, db)
        return answer
    }

    private func abort(_ known: ImageJobRow, _ context: TransitionContext, _ db: Database) throws -> AbortAnswer {
        var row = known
        var host = try HostRow.require(row.host, in: db)
        guard row.state == .started else { throw Self.ended(host.name, row.title, row.state) }
        guard row.step == .prepare else {
            let why =
                row.step == .write
                ? "the node is writing, and what it has begun it ends" : "the host reboots, or proves its image"
            throw EngineError(
                .conflict,
                "Host \(host.name): \(row.title) cannot be aborted: \(why).",
                remedy: "Wait for its end: `muster job show \(row.id)`; the image before it stays in the other slot."
            )
        }
        (row.state, row.ended) = (.aborted, context.now)
        row.remedy = "Nothing was written; order it again."
        try row.update(db)
        var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
        let signal = HostLife.Signal.workEnded(inMaintenance: row.details.wasInMaintenance)
        try live(&host, &life, signal, context: context, in: db)
        let text = "Host \(host.name): \(row.title) was aborted before anything was written."
        try tell(.jobAborted, .warning, text, host, context, db)
        return AbortAnswer(host: host.id, isStopping: false)
    }

    private static func ended(_ host: HostName, _ title: String, _ state: ImageJobRow.State) -> EngineError {
        EngineError(.conflict, "Host \(host): \(title) has ended already (\(state.rawValue)); nothing is at work.")
    }

    /// Ends a conversion that was stopped. `place`: where, as the end of a sentence.
    func endAborted(
        _ id: UniqueID,
        step: String?,
        _ place: String,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            guard let row = try ConversionRow.require(id, in: db), let host = try HostRow.fetch(row.host, in: db) else {
                return
            }
            try endAborted(row, host, step: step ?? row.currentStep ?? row.stepList[0].name, place, context, db)
        }
    }

    private func endAborted(
        _ known: ConversionRow,
        _ knownHost: HostRow,
        step: String,
        _ place: String,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        var (row, host) = (known, knownHost)
        let person = row.detail.abort?.user.map { " by \(terminalEscaped($0))" } ?? ""
        var failure = ConversionFailure(
            step: row.kind == .uninstall ? ConversionSteps.undoName : step,
            "It was aborted\(person) \(place).",
            remedy: Self.remedy(row, host)
        )
        failure.reason += row.detail.failure.map { " Before that it had failed: \($0.reason)" } ?? ""
        (row.state, row.ended, row.remedy) = (.aborted, context.now, failure.remedy)
        row.detail.abort?.outcome = failure.reason
        row.abortStep(failure.step)
        try row.update(db)
        try write(ConversionLine(failure.step, failure.reason), of: row.id, at: context.now, in: db)
        var moment = context
        (moment.user, moment.correlation) = (row.detail.abort?.user, row.detail.abort?.correlation)
        let text = "Host \(host.name): \(row.title) was aborted. \(failure.reason) \(failure.remedy)"
        try tell(.jobAborted, .warning, text, host, moment, db)
        var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
        let isUntouched = row.detail.hasBegun != true && row.kind != .convert && row.detail.hadFailed != true
        switch host.status {
        case .installing, .preparingForMaintenance:
            let signal: HostLife.Signal =
                isUntouched ? .workEnded(inMaintenance: row.detail.wasInMaintenance) : .conversionFailed(failure)
            try live(&host, &life, signal, context: moment, in: db)
        // It came up, or had failed before, and stays what it is.
        case .installFailed, .up, .nonOperational, .nonResponsive, .connecting, .initializing, .unassigned, .error,
            .maintenance, .reboot, .pendingApproval, .installingOS, .kdumping, .down:
            return
        }
    }

    private static func remedy(_ row: ConversionRow, _ host: HostRow) -> String {
        let (again, back) = ("`muster host reinstall \(host.name)`", "`muster host uninstall \(host.name)`")
        if row.kind == .uninstall || row.detail.failure != nil {
            return "\(back) goes on with the way back; \(again) makes it a node again."
        }
        if row.detail.proofDeadline != nil { return "It stays a host; \(back) takes it back." }
        return "\(again) goes on from there; \(back) takes back what was done."
    }
}

extension ConversionRow {
    /// Its step is the one that was aborted; what came before it is done.
    mutating func abortStep(_ name: String) {
        mark(name, .aborted)
        stepList = stepList.map { step in
            var step = step
            if step.status == JobRecord.Status.started.rawValue { step.status = JobRecord.Status.aborted.rawValue }
            return step
        }
    }
}
