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
    var now: Int64 { settings.clock.now() }
    var patience: ConversionPatience { settings.conversions.patience }

    /// Over SSH: the conversion, or what an undo after its failure has left to do. True when the installation over the agent
    /// comes next.
    func convert(_ row: ConversionRow) async throws(EngineError) -> Bool {
        if let failure = row.detail.failure {
            try await takeBack(row, after: failure)
            return false
        }
        let progress = ConversionProgress(job: job, host: host, store: store, gate: gate, desk: desk)
        do throws(ConversionError) {
            let plan = try await plan(row)
            let conversion = Conversion(
                plan,
                agentFile: FilePath(settings.agentFile),
                authority: try hostAuthority(),
                record: progress,
                patience: patience
            ) { () async throws(ConversionError) in try await connect() }
            try await conversion.run()
        } catch {
            try await fail(error, progress.step, row)
            return false
        }
        desk.forget(job)
        return try await store.beginNetworkStage(of: job, context: context(row))
    }

    // MARK: - Before the first change

    private func plan(_ row: ConversionRow) async throws(ConversionError) -> ConversionPlan {
        try await asEngine { () async throws(EngineError) in
            try await note(ConversionSteps.preflightName, .started, "Looking at \(host.address).")
        }
        return try await SSHConnection.enduring(
            patience,
            isResumed: row.wasBegun,
            connect: { () async throws(ConversionError) in try await connect() },
            tell: { error async throws(ConversionError) in try await tell(error, at: ConversionSteps.preflightName) },
            { connection async throws(ConversionError) in try await plan(row, over: connection) }
        )
    }

    private func plan(
        _ row: ConversionRow,
        over connection: SSHConnection
    ) async throws(ConversionError) -> ConversionPlan {
        let machine = try await ServerMachine.read(connection)
        if row.detail.hasBegun == true { try machine.confirm(try await access().machine, at: host.address) }
        let (key, jumpKey) = (connection.hostKey.fingerprint, connection.jumpHostKey?.fingerprint)
        try await asEngine { () async throws(EngineError) in
            try await store.changeAccess(of: host.id) { access in
                access.pin(key, jump: jumpKey)
                access.machine = machine
            }
        }
        let request = try await gate.request(address: host.address, row.detail.options, host: host.id)
        let (plan, report) = try await ServerInspection(connection).plan(
            for: request,
            completing: gate.withRepository
        )
        let found = Set(report.findings.map(\.id))
        // Guests of a host that is repaired go on.
        let reboots =
            row.detail.options.mayReboot && found.contains("reboot.pending") && !found.contains("guests.running")
        try await asEngine { () async throws(EngineError) in try await keep(plan, report, row, reboots: reboots) }
        return plan
    }

    private func keep(
        _ plan: ConversionPlan,
        _ report: PreflightReport,
        _ row: ConversionRow,
        reboots: Bool
    ) async throws(EngineError) {
        let steps = ConversionSteps.all(of: plan, reboots: reboots, proves: row.provesHost)
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
    func connect() async throws(ConversionError) -> SSHConnection {
        let access = try await access()
        if let given = desk.credentials(of: job) { return try await gate.connect(access, given) }
        guard access.hasEngineKey else { throw Self.forgotten(host) }
        return try await gate.connect(access.byEngineKey, .engineKey)
    }

    func access() async throws(ConversionError) -> ServerAccess {
        let access = try await asEngine { () async throws(EngineError) in try await store.serverAccess(of: host.id) }
        guard let access else {
            throw ConversionError(.argument, "the engine does not know how to reach the server", remedy: "add it again")
        }
        return access
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
        guard var current = try await store.conversion(job) else { return desk.forget(job) }
        guard current.detail.abort == nil else { return }
        var failure = ConversionFailure(error, in: step ?? ConversionSteps.preflightName)
        let hasBegun = current.detail.hasBegun == true
        failure.isBeforeFirstChange = !hasBegun
        if hasBegun, row.detail.options.undoesFailure {
            if let reason = Self.leftAlone(error.kind) {
                failure.remedy += " It was not taken back: \(reason)."
            } else {
                let known = failure
                current.beginUndo(for: known)
                try await store.note(job, ConversionLine(known.step, known.reason), at: now) {
                    $0.beginUndo(for: known)
                }
                return try await takeBack(current, after: known)
            }
        }
        desk.forget(job)
        try await end(current, failure)
    }

    /// Why a conversion that failed so is not taken back: it may be somebody else's.
    private static func leftAlone(_ kind: ConversionError.Kind) -> String? {
        switch kind {
        case .busy: "another run is at work there"
        case .machine: "it is another machine"
        case .blocked: "the server may be another host's"
        case .interrupted: "it was given up"
        default: nil
        }
    }

    func end(_ row: ConversionRow, _ failure: ConversionFailure) async throws(EngineError) {
        guard !Task.isCancelled else { return }
        logger.warning("Host \(host.name): \(failure.reason)")
        try await store.endConversion(job, failure: failure, context: context(row))
    }

    /// It passes by itself.
    func tell(_ error: ConversionError, at step: String) async throws(ConversionError) {
        let text = "\(sentence(error.message)) Trying again."
        let event = (EventCode.conversionWaits, EventRecord.Severity.warning, "Host \(host.name): \(text)")
        _ = try await asEngine { () async throws(EngineError) in
            try await store.note(job, ConversionLine(step, text), event: event, at: now) {
                $0.remark(step, error.message)
            }
        }
    }

    func note(_ step: String, _ status: JobRecord.Status, _ text: String) async throws(EngineError) {
        let event = (EventCode.installStep, EventRecord.Severity.normal, "Host \(host.name): \(text)")
        try await store.note(job, ConversionLine(step, text), event: event, at: now) { $0.mark(step, status) }
    }

    func context(_ row: ConversionRow) -> TransitionContext {
        TransitionContext(now: now, times: settings.monitoring, user: row.user, correlation: row.correlation)
    }

    func asEngine<Value>(
        _ body: () async throws(EngineError) -> Value
    ) async throws(ConversionError) -> Value {
        do { return try await body() } catch {
            throw ConversionError(.files, error.detail, remedy: error.remedy ?? "see the engine's log")
        }
    }
}
