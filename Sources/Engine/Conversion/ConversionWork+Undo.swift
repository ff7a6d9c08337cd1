import HostConversion
import HostModel

/// The way back: ordered, or after a failure. Both go on where an engine that was killed left them.
extension ConversionWork {
    /// Over SSH; the host is forgotten when all of it was possible.
    func uninstall(_ row: ConversionRow) async throws(EngineError) {
        try await note(ConversionSteps.undoName, .started, "Taking the conversion of \(host.address) back.")
        do throws(ConversionError) {
            let report = try await undo(row, isResumed: row.wasBegun)
            let lines = report.lines
            guard report.isComplete else { throw Self.incomplete(lines) }
            try await asEngine { () async throws(EngineError) in
                try await store.endUninstall(job, lines, context: context(row))
            }
        } catch {
            guard !Task.isCancelled else { return }
            let current = try await store.conversion(job)
            guard current?.detail.abort == nil else { return }
            var failure = ConversionFailure(error, in: ConversionSteps.undoName)
            let hasBegun = current?.detail.hasBegun == true
            failure.isBeforeFirstChange = Self.outside.contains(error.kind) && !hasBegun
            try await end(row, failure)
        }
        desk.forget(job)
    }

    /// Failures of whoever never came in.
    private static let outside: Set<ConversionError.Kind> = [
        .argument, .missingTool, .name, .unreachable, .timeout, .authentication, .hostKey, .privilege, .shell, .files,
        .machine,
    ]

    private static func incomplete(_ lines: [String]) -> ConversionError {
        ConversionError(
            .step,
            "the server is not as it was before: \(lines.first ?? "")",
            remedy: "mend what stands there, and run it again; what was taken back stays so",
            detail: lines.joined(separator: "\n")
        )
    }

    /// Takes a conversion back that failed, and ends it with what became of that.
    func takeBack(_ row: ConversionRow, after known: ConversionFailure) async throws(EngineError) {
        var failure = known
        var status = JobRecord.Status.finished
        do throws(ConversionError) {
            // It was reached in this very conversion.
            let report = try await undo(row, isResumed: true)
            if !report.isComplete { status = .failed }
            failure.remedy += " " + Self.outcome(of: report)
        } catch {
            guard !Task.isCancelled, try await store.conversion(job)?.detail.abort == nil else { return }
            status = .failed
            failure.remedy += " It could not be taken back: \(sentence(error.message)) \(sentence(error.remedy))"
        }
        desk.forget(job)
        let ended = status
        try await store.note(job, ConversionLine(ConversionSteps.undoName, failure.remedy), at: now) {
            $0.endUndo(ended)
        }
        try await end(row, failure)
    }

    private static func outcome(of report: ConversionUndo.Report) -> String {
        let first = sentence(report.lines.first ?? "")
        guard report.isComplete, !report.foundNothing else {
            return report.foundNothing ? first : "It could not be taken back: \(first)"
        }
        guard !report.isExact else { return "The server was taken back: it is as it was before." }
        return "The server was taken back; \(report.lines.count) things differ from before: \(first)"
    }

    /// Over as many connections, and engines, as it takes.
    private func undo(_ row: ConversionRow, isResumed: Bool) async throws(ConversionError) -> ConversionUndo.Report {
        do throws(ConversionError) {
            let report = try await ConversionUndo.run(
                patience,
                isResumed: isResumed,
                undone: row.detail.undone,
                connect: { () async throws(ConversionError) in try await connectToConverted() },
                tell: { error async throws(ConversionError) in
                    try await tell(error, at: ConversionSteps.undoName)
                },
                keep: { report async throws(ConversionError) in try await keep(report, isUndone: true) }
            )
            if !report.isComplete { try await keep(report, isUndone: false) }
            return report
        } catch {
            let given = desk.credentials(of: job)
            guard error.kind == .authentication, given == nil || given == .engineKey else { throw error }
            // The key goes last: a server that does not take it any more was left, by an engine that was killed then or over
            // a connection that broke.
            let current = try await asEngine { () async throws(EngineError) in try await store.conversion(job) }
            guard let report = current?.detail.undone else { throw error }
            return report
        }
    }

    /// To the machine that was converted, and no other one.
    private func connectToConverted() async throws(ConversionError) -> SSHConnection {
        let connection = try await connect()
        do throws(ConversionError) {
            var known = try await access().machine ?? ServerMachine()
            known.node = known.node ?? host.hardwareID?.rawValue
            try await ServerMachine.read(connection).confirm(known, at: host.address)
            let line = ConversionLine(ConversionSteps.undoName, "Signed in.")
            let isRunning = try await asEngine { () async throws(EngineError) in
                try await store.note(job, line, at: now) { $0.detail.hasBegun = true }
            }
            guard isRunning else {
                throw ConversionError(.interrupted, "the work was given up", remedy: "see muster event list")
            }
        } catch {
            await connection.close()
            throw error
        }
        return connection
    }

    private func keep(_ report: ConversionUndo.Report, isUndone: Bool) async throws(ConversionError) {
        let lines = report.lines
        let line = ConversionLine(ConversionSteps.undoName, report.text)
        _ = try await asEngine { () async throws(EngineError) in
            try await store.note(job, line, at: now) { row in
                row.detail.report = lines
                if isUndone { row.detail.undone = report }
            }
        }
    }
}
