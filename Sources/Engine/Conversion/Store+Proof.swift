import GRDB
import HostModel
import Logging

// A conversion that is taken back on failure has failed too when its host comes up and does not fit its cluster.

extension ConversionRow {
    /// Whether it ends only when the host is up.
    var provesHost: Bool { detail.options.undoesFailure && !detail.endsInMaintenance && kind != .uninstall }
}

extension Store {
    /// From here on the host is watched as every one; it has a while to be fit.
    func beginProof(_ row: inout ConversionRow, _ context: TransitionContext, _ db: Database) throws {
        row.stage = .network
        row.detail.proofDeadline = context.now + context.times.proof
        row.mark(ConversionSteps.proofName, .started)
        try row.update(db)
        let line = ConversionLine(ConversionSteps.proofName, "The host is there; it must come up and be fit.")
        try write(line, of: row.id, at: context.now, in: db)
    }

    /// The host has moved on; `host` has its new status.
    func prove(
        _ row: inout ConversionRow,
        _ host: HostRow,
        _ signal: HostLife.Signal,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        switch host.status {
        case .up, .maintenance, .preparingForMaintenance, .down: try finish(row, nil, context, db)
        case .nonOperational:
            guard case .unfit(let unfitness) = signal, row.detail.unfit != unfitness.text else { return }
            row.detail.unfit = unfitness.text
            row.remark(ConversionSteps.proofName, unfitness.text)
            try row.update(db)
            let seconds = max(0, (row.detail.proofDeadline ?? 0) - context.now) / 1000
            let text =
                "Host \(host.name) is not operational: its conversion is taken back in \(seconds) s unless that is mended. "
                + unfitness.text
            try write(ConversionLine(ConversionSteps.proofName, text), of: row.id, at: context.now, in: db)
            try tell(.conversionUnfit, .warning, text, host, context, db)
        case .nonResponsive, .connecting, .initializing, .unassigned, .error, .installing, .installFailed, .reboot,
            .pendingApproval, .installingOS, .kdumping:
            return
        }
    }

    /// Whose time is over: they are taken back, or, where the host does not answer, have failed. The jobs that go on.
    func endProofs(context: TransitionContext) async throws(EngineError) -> [ConversionRow] {
        let due = try await read { db in
            try ConversionRow.filter(
                Column("state") == ImageJobRow.State.started && Column("stage") == ConversionRow.Stage.network
            ).fetchAll(db).filter { $0.detail.proofDeadline.map { $0 <= context.now } ?? false }
        }
        guard !due.isEmpty else { return [] }
        return try await write { db in
            try due.compactMap { row in try endProof(of: row.id, context, db) }
        }
    }

    private func endProof(
        of id: UniqueID,
        _ context: TransitionContext,
        _ db: Database
    ) throws -> ConversionRow? {
        guard var row = try ConversionRow.require(id, in: db), row.detail.proofDeadline != nil,
            var host = try HostRow.fetch(row.host, in: db)
        else { return nil }
        switch host.status {
        case .nonOperational:
            let why = row.detail.unfit ?? "It does not fit its cluster (\(host.statusDetail ?? "unknown"))."
            let failure = ConversionFailure(
                step: ConversionSteps.proofName,
                "The host came up and is not operational. \(why)",
                remedy: "Mend that, and add it again."
            )
            (row.stage, row.detail.proofDeadline) = (.server, nil)
            row.beginUndo(for: failure)
            try row.update(db)
            try write(ConversionLine(failure.step, failure.reason), of: row.id, at: context.now, in: db)
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            try live(&host, &life, .conversionUnfit(failure), context: context, in: db)
            return row
        case .nonResponsive:
            let failure = ConversionFailure(
                step: ConversionSteps.proofName,
                "The host was installed and does not answer any more.",
                remedy:
                    "It was not taken back: look at its console. `muster host uninstall \(host.name)` does that later."
            )
            try finish(row, failure, context, db)
            let text = "Host \(host.name): \(row.title) failed. \(failure.reason) \(failure.remedy)"
            try tell(.installStepFailed, .error, text, host, context, db)
            return nil
        case .up, .maintenance, .preparingForMaintenance, .connecting, .initializing, .unassigned, .error, .installing,
            .installFailed, .reboot, .pendingApproval, .installingOS, .kdumping, .down:
            return nil
        }
    }
}

extension HostEngine {
    /// Takes back what did not become fit in its time, until the task is cancelled.
    func watchProofs() async {
        while !Task.isCancelled {
            do throws(EngineError) {
                let context = TransitionContext(now: settings.clock.now(), times: settings.monitoring)
                for row in try await store.endProofs(context: context) {
                    supervisor.watch(row.host)
                    desk.start(row.id)
                }
            } catch {
                logger.warning("What is to be proved could not be looked at: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(settings.conversions.poll))
        }
    }
}
