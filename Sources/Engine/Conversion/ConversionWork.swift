import HostConversion
import HostModel
import Logging
import SystemPackage

/// Works on one stored conversion until it has ended, or until it is the turn of somebody else. However often it is begun,
/// the truth of how far it is lies on the server.
struct ConversionWork: Sendable {
    let job: UniqueID
    let host: HostRow
    let store: Store
    let gate: ServerGate
    let desk: ConversionDesk
    let authority: CertificateAuthority
    let logger: Logger

    private var settings: EngineSettings { gate.settings }
    private var now: Int64 { settings.clock.now() }

    /// Over SSH: the conversion. True when the installation over the agent comes next.
    func convert(_ row: ConversionRow) async throws(EngineError) -> Bool {
        let progress = ConversionProgress(job: job, host: host, store: store, gate: gate, desk: desk)
        do throws(ConversionError) {
            let plan = try await plan(row)
            let conversion = Conversion(
                plan,
                agentFile: FilePath(settings.agentFile),
                authority: try hostAuthority(),
                record: progress,
                pause: .milliseconds(settings.conversions.poll)
            ) { () async throws(ConversionError) in try await connect() }
            try await conversion.run()
        } catch {
            try await fail(error, progress.step, row)
            return false
        }
        desk.forget(job)
        return try await store.beginNetworkStage(of: job, context: context(row))
    }

    /// Over SSH: the way back; the host is forgotten when all of it was possible.
    func uninstall(_ row: ConversionRow) async throws(EngineError) {
        try await note(ConversionSteps.undoName, .started, "Taking the conversion of \(host.address) back.")
        do throws(ConversionError) {
            let report = try await ConversionUndo.run(pause: .milliseconds(settings.conversions.poll)) {
                () async throws(ConversionError) in try await connect()
            }
            let lines = report.isExact ? [] : report.text.split(separator: "\n").map(String.init)
            try await keep(report: lines)
            guard report.isComplete else { throw Self.incomplete(lines) }
            try await asEngine { () async throws(EngineError) in
                try await store.endUninstall(job, lines, context: context(row))
            }
        } catch {
            var failure = ConversionFailure(error, in: ConversionSteps.undoName)
            failure.isBeforeFirstChange = Self.outside.contains(error.kind)
            try await end(row, failure)
        }
        desk.forget(job)
    }

    /// Failures of whoever never came in.
    private static let outside: Set<ConversionError.Kind> = [
        .argument, .missingTool, .name, .unreachable, .timeout, .authentication, .hostKey, .privilege, .shell, .files,
    ]

    private static func incomplete(_ lines: [String]) -> ConversionError {
        ConversionError(
            .step,
            "the server is not as it was before: \(lines.first ?? "")",
            remedy: "mend what stands there, and run it again; what was taken back stays so",
            detail: lines.joined(separator: "\n")
        )
    }

    // MARK: - Before the first change

    private func plan(_ row: ConversionRow) async throws(ConversionError) -> ConversionPlan {
        try await asEngine { () async throws(EngineError) in
            try await note(ConversionSteps.preflightName, .started, "Looking at \(host.address).")
        }
        let connection = try await connect()
        do throws(ConversionError) {
            let key = connection.hostKey.fingerprint
            try await asEngine { () async throws(EngineError) in
                try await store.changeAccess(of: host.id) { access in access.fingerprint = access.fingerprint ?? key }
            }
            let request = try await gate.request(address: host.address, row.detail.options, host: host.id)
            let (plan, report) = try await ServerInspection(connection).plan(
                for: request,
                completing: gate.withRepository
            )
            await connection.close()
            let reboots = row.detail.options.mayReboot && report.findings.contains { $0.id == "reboot.pending" }
            try await asEngine { () async throws(EngineError) in try await keep(plan, report, reboots: reboots) }
            return plan
        } catch {
            await connection.close()
            throw error
        }
    }

    private func keep(_ plan: ConversionPlan, _ report: PreflightReport, reboots: Bool) async throws(EngineError) {
        let steps = ConversionSteps.all(of: plan, reboots: reboots)
        let line = ConversionLine(ConversionSteps.preflightName, report.table)
        try await store.note(job, line, at: now) { row in
            row.stepList = steps
            row.detail.needsReboot = reboots
        }
    }

    private func hostAuthority() throws(ConversionError) -> HostAuthority {
        guard let engine = gate.engine else {
            throw ConversionError(
                .argument,
                "the engine's address is no name",
                remedy: "set --address of muster-engine"
            )
        }
        return HostAuthority(
            store: store,
            authority: authority,
            authorityPEM: gate.authorityPEM,
            host: host.id,
            engine: engine,
            requestBytesMax: settings.enrolment.certificateRequestBytesMax,
            clock: settings.clock
        )
    }

    // MARK: - Signing in

    /// By the engine's key once the server knows it, before that by what the order brought.
    private func connect() async throws(ConversionError) -> SSHConnection {
        let access = try await asEngine { () async throws(EngineError) in try await store.serverAccess(of: host.id) }
        guard let access else {
            throw ConversionError(.argument, "the engine does not know how to reach the server", remedy: "add it again")
        }
        let given = desk.credentials(of: job)
        guard let credentials = given ?? (access.hasEngineKey ? .engineKey : nil) else { throw Self.forgotten(host) }
        return try await gate.connect(access, credentials)
    }

    private static func forgotten(_ host: HostRow) -> ConversionError {
        ConversionError(
            .authentication,
            "the engine was started anew before the server knew its key, and it keeps no password",
            remedy: "give the password once more: muster host reinstall \(host.name) --password-file FILE"
        )
    }

    // MARK: - The end

    private func fail(_ error: ConversionError, _ step: String?, _ row: ConversionRow) async throws(EngineError) {
        // An engine that stops leaves the record as it is, and goes on when it starts again.
        guard !Task.isCancelled else { return }
        // Where nobody works on it any more there is nothing to say.
        guard let current = try await store.conversion(job) else { return desk.forget(job) }
        var failure = ConversionFailure(error, in: step ?? ConversionSteps.preflightName)
        failure.isBeforeFirstChange = step == nil
        if row.detail.options.undoesFailure, error.kind != .blocked, step != nil {
            failure.remedy += " " + (await takeBack())
        }
        desk.forget(job)
        try await end(current, failure)
    }

    /// What became of it, as a sentence.
    private func takeBack() async -> String {
        do throws(ConversionError) {
            let report = try await ConversionUndo.run(pause: .milliseconds(settings.conversions.poll)) {
                () async throws(ConversionError) in try await connect()
            }
            if report.isExact { return "The server was taken back: it is as it was before." }
            let lines = report.text.split(separator: "\n").map(String.init)
            try await keep(report: lines)
            return "The server was taken back; \(lines.count) things differ from before."
        } catch {
            return "It could not be taken back: \(sentence(error.message))"
        }
    }

    private func end(_ row: ConversionRow, _ failure: ConversionFailure) async throws(EngineError) {
        guard !Task.isCancelled else { return }
        logger.warning("Host \(host.name): \(failure.reason)")
        try await store.endConversion(job, failure: failure, context: context(row))
    }

    private func keep(report lines: [String]) async throws(ConversionError) {
        let line = ConversionLine(ConversionSteps.undoName, lines.joined(separator: "\n"))
        let now = now
        _ = try await asEngine { () async throws(EngineError) in
            try await store.note(job, line, at: now) { $0.detail.report = lines }
        }
    }

    private func note(_ step: String, _ status: JobRecord.Status, _ text: String) async throws(EngineError) {
        let event = (EventCode.installStep, EventRecord.Severity.normal, "Host \(host.name): \(text)")
        try await store.note(job, ConversionLine(step, text), event: event, at: now) { $0.mark(step, status) }
    }

    private func context(_ row: ConversionRow) -> TransitionContext {
        TransitionContext(now: now, times: settings.monitoring, user: row.user, correlation: row.correlation)
    }

    private func asEngine<Value>(
        _ body: () async throws(EngineError) -> Value
    ) async throws(ConversionError) -> Value {
        do { return try await body() } catch {
            throw ConversionError(.files, error.detail, remedy: error.remedy ?? "see the engine's log")
        }
    }
}
