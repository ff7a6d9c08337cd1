package import HostModel
package import SystemPackage

/// Runs a plan on a server, step after step, and goes on by itself when the connection breaks.
///
/// The truth of how far it is lies on the server: every step is asked for whether it is done, so that a conversion that was
/// cut off anywhere, here or there, is simply run again.
package struct Conversion: Sendable {
    package typealias Connect = @Sendable () async throws(ConversionError) -> SSHConnection

    /// What is allowed beside a step's own limit, for saving and looking.
    static let overheadSeconds = 300

    private let plan: ConversionPlan
    private let agentFile: FilePath
    private let authority: any HostCertificateAuthority
    private let record: any ConversionRecord
    private let connect: Connect
    private let patience: ConversionPatience

    /// `agentFile`: the agent's program on this machine. `connect` signs in anew each time that it is called, to a server
    /// that was reached before: it was looked at.
    package init(
        _ plan: ConversionPlan,
        agentFile: FilePath,
        authority: any HostCertificateAuthority,
        record: any ConversionRecord,
        patience: ConversionPatience = ConversionPatience(),
        connect: @escaping Connect
    ) {
        (self.plan, self.agentFile, self.authority, self.record) = (plan, agentFile, authority, record)
        (self.patience, self.connect) = (patience, connect)
    }

    /// Throws the first failure; the steps before it stay done.
    package func run() async throws(ConversionError) {
        var run = ConversionRun(agentFile: agentFile, record: record, patience: patience, connect: connect)
        do throws(ConversionError) {
            try await perform(&run)
            try await run.finish()
        } catch {
            await run.close()
            throw error
        }
        await run.close()
    }

    private func perform(_ run: inout ConversionRun) async throws(ConversionError) {
        var hardware: HardwareID?
        for step in plan.steps {
            let output = try await run.perform(step)
            if step.id == .hostID { hardware = HardwareID(output) }
            guard step.id == .key else { continue }
            guard let hardware else {
                throw ConversionError(
                    .answer,
                    "the server did not say its machine id",
                    remedy: "see /etc/vdsm/vdsm.id there, and start the conversion again"
                )
            }
            let answer = try await authority.certificate(forRequest: output, hardware: hardware)
            let certificate = ConversionPlan.certificate(
                answer.certificate,
                authority: answer.authority,
                host: answer.host,
                engine: answer.engine
            )
            _ = try await run.perform(certificate)
        }
    }
}

/// One run of a conversion: the connection of the moment, and the events.
struct ConversionRun {
    let agentFile: FilePath
    let record: any ConversionRecord
    let patience: ConversionPatience
    let connect: Conversion.Connect
    private let end: ContinuousClock.Instant
    private var connection: SSHConnection?
    /// Nothing was asked yet.
    private var begins = true

    init(
        agentFile: FilePath,
        record: any ConversionRecord,
        patience: ConversionPatience,
        connect: @escaping Conversion.Connect
    ) {
        (self.agentFile, self.record, self.patience, self.connect) = (agentFile, record, patience, connect)
        end = .now + patience.total
    }

    /// Does a step unless it is done, and gives its output.
    mutating func perform(_ step: ConversionStep) async throws(ConversionError) -> String {
        try await tell(step, .began, step.event)
        do throws(ConversionError) {
            if step.takesAgentFile {
                // Its file is large: it is sent only where it is not there.
                let answer = try await ask(step, mode: "check", payload: nil)
                if answer.result == .already { return try await ended(step, answer) }
            }
            let answer = try await ask(step, mode: "do", payload: step.takesAgentFile ? agentFile : nil)
            return try await ended(step, answer)
        } catch {
            try await tell(step, .failed, error.message, log: error.detail)
            throw error
        }
    }

    private func ended(_ step: ConversionStep, _ answer: StepAnswer) async throws(ConversionError) -> String {
        guard answer.result == .done || answer.result == .already else {
            throw answer.failure(step, on: connection?.target.shown ?? "the server")
        }
        try await tell(step, answer.result == .already ? .already : .finished, step.event, log: answer.log)
        return answer.output
    }

    /// Asks until there is an answer: over a new connection where the old one broke, and after the end of another run of
    /// ours. What had begun on the server goes on there.
    private mutating func ask(
        _ step: ConversionStep,
        mode: String,
        payload: FilePath?
    ) async throws(ConversionError) -> StepAnswer {
        let script = RemoteScript(
            ServerScript.step(step, mode: mode, lockSeconds: patience.lockSeconds, begins: begins),
            purpose: step.event,
            payload: payload,
            timeLimit: .seconds(step.limit + patience.lockSeconds + Conversion.overheadSeconds),
            outputLimit: 1 << 20
        )
        var endurance = Endurance(patience, hasStood: true)
        var told = ""
        while true {
            guard ContinuousClock.now < end else { throw tooLong }
            do throws(ConversionError) {
                return try await answer(script, step)
            } catch {
                let stood = connection != nil
                let isBusy = error.kind == .busy
                if !isBusy { await close() }
                guard endurance.endures(error, inSession: stood) else { throw error }
                let next = isBusy ? "waiting for its end" : "trying again"
                // A run of an hour is told once, a connection that breaks each time.
                if !isBusy || told != error.message {
                    try await tell(step, isBusy ? .waiting : .reconnecting, "\(error.message); \(next)")
                }
                told = error.message
                if !isBusy { try await patience.rest() }
            }
        }
    }

    private var tooLong: ConversionError {
        ConversionError(
            .timeout,
            "the conversion took longer than \(patience.total.components.seconds) s",
            remedy: "see what the server is busy with, and start it again: it goes on from the last finished step"
        )
    }

    /// Throws `.busy` where another run has the server.
    private mutating func answer(
        _ script: RemoteScript,
        _ step: ConversionStep
    ) async throws(ConversionError) -> StepAnswer {
        let answer = try await connected().run(script)
        begins = false
        let transcript: ServerTranscript
        do { transcript = try ServerTranscript(answer.output) } catch {
            throw ConversionError(
                .answer,
                "the server's answer to the step \(step.id.rawValue) is none (\(error))",
                remedy: "see whether its disk is full or read-only, and start the conversion again",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        let said = try StepAnswer(transcript)
        guard said.result != .busy else { throw said.failure(step, on: connection?.target.shown ?? "the server") }
        return said
    }

    private mutating func connected() async throws(ConversionError) -> SSHConnection {
        if let connection { return connection }
        let fresh = try await connect()
        connection = fresh
        return fresh
    }

    /// The server knows that all of it is done.
    mutating func finish() async throws(ConversionError) {
        let script = RemoteScript(ServerScript.finish, purpose: "ending the conversion", timeLimit: .seconds(60))
        var endurance = Endurance(patience, hasStood: true)
        while true {
            do throws(ConversionError) {
                _ = try await connected().run(script)
                return
            } catch {
                let stood = connection != nil
                await close()
                guard endurance.endures(error, inSession: stood) else { throw error }
                try await patience.rest()
            }
        }
    }

    mutating func close() async {
        await connection?.close()
        connection = nil
    }

    private func tell(
        _ step: ConversionStep,
        _ kind: ConversionEvent.Kind,
        _ sentence: String,
        log: String = ""
    ) async throws(ConversionError) {
        try await record.record(ConversionEvent(step: step.id, kind: kind, sentence: sentence, log: log))
    }
}
