package import HostModel
package import SystemPackage

/// Runs a plan on a server, step after step, and goes on by itself when the connection breaks.
///
/// The truth of how far it is lies on the server: every step is asked for whether it is done, so that a conversion that was
/// cut off anywhere, here or there, is simply run again.
package struct Conversion: Sendable {
    package typealias Connect = @Sendable () async throws(ConversionError) -> SSHConnection

    /// How often a connection that breaks is made anew without a step between, and how long is waited each time.
    package static let reconnectsMax = 20
    /// How long the server waits for an earlier run of ours that is still at work there.
    static let lockSeconds = 900
    /// What is allowed beside a step's own limit, for saving and looking.
    static let overheadSeconds = 300
    /// What may pass by itself once a connection had stood: a server that boots, a switch that learns.
    static let passing: Set<ConversionError.Kind> = [.connectionLost, .unreachable, .timeout]

    private let plan: ConversionPlan
    private let agentFile: FilePath
    private let authority: any HostCertificateAuthority
    private let record: any ConversionRecord
    private let connect: Connect
    private let pause: Duration

    /// `agentFile`: the agent's program on this machine. `connect` signs in anew each time that it is called.
    package init(
        _ plan: ConversionPlan,
        agentFile: FilePath,
        authority: any HostCertificateAuthority,
        record: any ConversionRecord,
        pause: Duration = .seconds(5),
        connect: @escaping Connect
    ) {
        (self.plan, self.agentFile, self.authority, self.record) = (plan, agentFile, authority, record)
        (self.pause, self.connect) = (pause, connect)
    }

    /// Throws the first failure; the steps before it stay done.
    package func run() async throws(ConversionError) {
        var run = ConversionRun(agentFile: agentFile, record: record, pause: pause, connect: connect)
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
    let pause: Duration
    let connect: Conversion.Connect
    private var connection: SSHConnection?

    init(
        agentFile: FilePath,
        record: any ConversionRecord,
        pause: Duration,
        connect: @escaping Conversion.Connect
    ) {
        (self.agentFile, self.record, self.pause, self.connect) = (agentFile, record, pause, connect)
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

    private mutating func ask(
        _ step: ConversionStep,
        mode: String,
        payload: FilePath?
    ) async throws(ConversionError) -> StepAnswer {
        let limit = step.limit + Conversion.lockSeconds + Conversion.overheadSeconds
        let script = RemoteScript(
            ServerScript.step(step, mode: mode),
            purpose: step.event,
            payload: payload,
            timeLimit: .seconds(limit),
            outputLimit: 1 << 20
        )
        let answer = try await send(script, step)
        let transcript: ServerTranscript
        do { transcript = try ServerTranscript(answer.output) } catch {
            throw ConversionError(
                .answer,
                "the server's answer to the step \(step.id.rawValue) is none (\(error))",
                remedy: "see whether its disk is full or read-only, and start the conversion again",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        return try StepAnswer(transcript)
    }

    /// Runs a script, over a new connection where the old one broke. What it had begun on the server goes on there, and
    /// the second run waits for its end.
    private mutating func send(_ script: RemoteScript, _ step: ConversionStep) async throws(ConversionError)
        -> RemoteAnswer
    {
        var broken = 0
        while true {
            do throws(ConversionError) {
                let connection = try await connected()
                return try await connection.run(script)
            } catch {
                await close()
                broken += 1
                let passes = error.kind == .connectionLost || (broken > 1 && Conversion.passing.contains(error.kind))
                guard passes, broken <= Conversion.reconnectsMax else { throw error }
                try await tell(step, .reconnecting, "\(error.message); trying again")
                do { try await Task.sleep(for: pause) } catch { throw .interrupted }
            }
        }
    }

    private mutating func connected() async throws(ConversionError) -> SSHConnection {
        if let connection { return connection }
        let fresh = try await connect()
        connection = fresh
        return fresh
    }

    /// The server knows that all of it is done.
    mutating func finish() async throws(ConversionError) {
        let connection = try await connected()
        let script = RemoteScript(ServerScript.finish, purpose: "ending the conversion", timeLimit: .seconds(60))
        _ = try await connection.run(script)
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
