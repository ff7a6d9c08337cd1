import HostConversion
package import HostModel

// A conversion that is to be stopped: nothing of it is left at work on the server, then it ends.

extension ConversionWork {
    /// Whoever worked on it here has ended; what was begun on the server may go on there.
    func stop(_ row: ConversionRow) async throws(EngineError) {
        let (step, place): (String?, String)
        do throws(ConversionError) {
            var patience = patience
            (patience.reconnectsMax, patience.silencesMax) = (gate.settings.conversions.abortReconnectsMax, 0)
            let grace = gate.settings.conversions.abortGraceSeconds
            let report = try await SSHConnection.enduring(
                patience,
                isResumed: true,
                connect: { () async throws(ConversionError) in try await connect() },
                tell: { error async throws(ConversionError) in
                    try await tell(error, at: row.currentStep ?? ConversionSteps.preflightName)
                },
                { connection async throws(ConversionError) in
                    try await ServerMachine.read(connection).confirm(try await access().machine, at: host.address)
                    return try await ConversionStop.run(over: connection, graceSeconds: grace)
                }
            )
            (step, place) = (report.step?.rawValue, Self.words(report, grace))
        } catch {
            guard !Task.isCancelled else { return }
            let limit = "what may be at work there ends by its own limit"
            (step, place) = (
                nil, "and the server could not be asked whether anything goes on there, \(limit): \(error.message)"
            )
        }
        desk.forget(job)
        try await store.endAborted(job, step: step, place, context: context(row))
    }

    private static func words(_ report: ConversionStop.Report, _ grace: Int) -> String {
        guard let step = report.step?.rawValue else { return "before its first step" }
        if report.wasEnded { return "in the step \(step), whose programs were ended after \(grace) s" }
        switch report.mark {
        case .done: return "after the step \(step)"
        case .undone: return "after the step \(step) was taken back"
        case .begun, nil: return "in the step \(step)"
        }
    }
}

extension HostEngine {
    /// Ends a job that is under way. What was begun on a server is let come to the end of its step, or is ended there;
    /// meanwhile the job goes on. Throws why a job cannot be ended.
    package func abortJob(
        _ id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let grace = settings.conversions.abortGraceSeconds
        let answer = try await store.abortJob(id, graceSeconds: grace, context: context(by: user, correlation))
        if answer.isStopping { desk.stop(id) }
        supervisor.watch(answer.host)
        return try await job(id)
    }
}
