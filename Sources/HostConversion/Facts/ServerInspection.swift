package import HostModel

/// Looks at a server before anything is changed there: two scripts, then judgement.
package struct ServerInspection: Sendable {
    private static let factsLimit: Duration = .seconds(120)
    private static let reachLimit: Duration = .seconds(30)

    /// What the request is where the server is of such a family.
    package typealias Completion = (ConversionRequest, ServerFacts.Distribution.Family?) -> ConversionRequest

    let connection: SSHConnection

    package init(_ connection: SSHConnection) { self.connection = connection }

    /// What the server is, and which of the request's endpoints and its own repositories answer it.
    package func facts(for request: ConversionRequest) async throws(ConversionError) -> ServerFacts {
        let script = RemoteScript(
            "address=\(shellQuoted(request.address))\nengine=\(shellQuoted(request.engine.host.rawValue))\nexport address engine\n"
                + FactsScript.items + FactsScript.questions,
            purpose: "looking at the server",
            timeLimit: Self.factsLimit,
            outputLimit: ServerTranscript.bytesMax
        )
        let answer = try await connection.run(script)
        let transcript: ServerTranscript
        do { transcript = try ServerTranscript(answer.output) } catch {
            throw ConversionError(
                .answer,
                "\(connection.target.shown) did not say what it is (\(error))",
                remedy: "see what its root user's shell prints, and whether coreutils are there",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        var facts = ServerFacts(transcript)
        facts.reachable = try await reachable(request.endpoints + facts.repositories)
        return facts
    }

    /// Facts and judgement in one.
    package func report(
        for request: ConversionRequest,
        completing: Completion = { request, _ in request }
    ) async throws(ConversionError) -> PreflightReport {
        let facts = try await facts(for: request)
        return Preflight(facts, completing(request, facts.distribution?.family)).report
    }

    /// The plan for this server, and what was found on it. Throws `.blocked`, with the whole report as detail, when a finding
    /// forbids the conversion: nothing has been changed then.
    package func plan(
        for request: ConversionRequest,
        completing: Completion = { request, _ in request }
    ) async throws(ConversionError) -> (plan: ConversionPlan, report: PreflightReport) {
        let facts = try await facts(for: request)
        let request = completing(request, facts.distribution?.family)
        let report = Preflight(facts, request).report
        if let first = report.blocking.first {
            throw ConversionError(
                .blocked,
                "\(connection.target.shown) is not converted: \(first.sentence)",
                remedy: first.remedy,
                detail: report.table
            )
        }
        guard let family = facts.distribution?.family else {
            preconditionFailure("a server of no family has a blocking finding")
        }
        do { return (try ConversionPlan(request, family: family), report) } catch {
            throw ConversionError(
                .argument,
                "no plan can be made: \(error)",
                remedy: "correct the names of the packages, and see whether the agent is there (make agent)"
            )
        }
    }

    private func reachable(_ endpoints: [TCPEndpoint]) async throws(ConversionError) -> Set<TCPEndpoint> {
        guard !endpoints.isEmpty else { return [] }
        let words = Set(endpoints).map { "\($0.host) \($0.port)" }.joined(separator: " ")
        let answer = try await connection.run(
            RemoteScript(
                "endpoints=\(shellQuoted(words))\n" + FactsScript.reach,
                purpose: "connecting from the server to engine and repositories",
                timeLimit: Self.reachLimit,
                outputLimit: 16 << 10
            )
        )
        let lines = String(decoding: answer.output, as: UTF8.self).split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 2, let port = UInt16(words[1]) else { return nil }
                return TCPEndpoint(host: words[0], port: port)
            }
        ).intersection(endpoints)
    }
}
