package import HostModel

/// Lets the engine sign in to a server by its own key, over a connection that somebody else made: so that his key or
/// password stays where it is. The first step of a conversion, after its preflight, and nothing more.
package enum AccessGrant {
    /// `request.engineKey` is the key. Throws `.blocked` when a finding forbids the conversion: nothing has been changed then.
    package static func run(
        over connection: SSHConnection,
        _ request: ConversionRequest,
        completing: ServerInspection.Completion = { request, _ in request }
    ) async throws(ConversionError) -> PreflightReport {
        var request = request
        // Which agent comes later is not asked here.
        request.agentDigest = String(repeating: "0", count: 64)
        let (plan, report) = try await ServerInspection(connection).plan(for: request, completing: completing)
        guard let step = plan.steps.first(where: { $0.id == .access }) else {
            preconditionFailure("a request with a key has the step that lays it there")
        }
        let patience = ConversionPatience()
        let script = RemoteScript(
            ServerScript.step(step, mode: "do", lockSeconds: patience.lockSeconds, begins: true),
            purpose: step.event,
            timeLimit: .seconds(step.limit + patience.lockSeconds + Conversion.overheadSeconds)
        )
        let answer = try await connection.run(script)
        let transcript: ServerTranscript
        do { transcript = try ServerTranscript(answer.output) } catch {
            throw ConversionError(
                .answer,
                "the server's answer to the step access is none (\(error))",
                remedy: "see whether its disk is full or read-only, and start the conversion again",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        let said = try StepAnswer(transcript)
        guard said.result == .done || said.result == .already else {
            throw said.failure(step, on: connection.target.shown)
        }
        return report
    }
}
