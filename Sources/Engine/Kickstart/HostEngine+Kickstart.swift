package import HostModel

// Kickstarts: who may have one, and what becomes of the machine. A token is made here, goes out once, and only its digest
// stays.

extension HostEngine {
    /// A link for the machine that asks for its boot script. Refused where its host cannot be installed now.
    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        let context = kickstartContext(request.address)
        guard ticketRate.allows("\(request.mac)", at: context.now) else {
            throw EngineError(
                .tooMany,
                "\(request.mac) asked for too many kickstarts.",
                remedy: "It gets another in a minute."
            )
        }
        return try await store.issueTicket(.random(), for: request, context)
    }

    /// Spends a link. Somebody who guesses is told nothing, and a flood of guesses is one event a while.
    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        let context = kickstartContext(fetch.address)
        let answer = try await store.spendTicket(fetch.token, report: .random(), context)
        if answer.refusal == .unknown { try await recordGuess(fetch.address, at: context.now) }
        return answer
    }

    /// How an installation ended. A finished one puts its host on `local`.
    package func report(_ report: InstallReport) async throws -> InstallReportAnswer {
        let now = settings.clock.now()
        let answer = try await store.spendReport(report, at: now)
        if answer.refusal == .unknown { try await recordGuess(report.address, at: now) }
        return answer
    }

    package func hostKickstart(_ id: UniqueID) async throws(EngineError) -> HostKickstart {
        try await store.hostKickstart(id)
    }

    /// Says where and how a host is installed; `nil` takes it back, and then the host is not installed.
    package func setHostKickstart(
        _ id: UniqueID,
        _ settings: HostKickstart?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await store.setHostKickstart(id, settings, context: context(by: user, correlation))
    }

    private func kickstartContext(_ address: IPv4Address?) -> KickstartContext {
        let agent: Result<Nonce, EngineError>
        do throws(EngineError) {
            agent = .success(try agentDigest.digest(of: settings.agentFile))
        } catch {
            agent = .failure(error)
        }
        let now = settings.clock.now()
        return KickstartContext(
            now: now,
            deniedBefore: now - settings.boot.denyWindow,
            limits: settings.kickstarts,
            agent: agent,
            address: address
        )
    }

    private func recordGuess(_ address: IPv4Address?, at now: Int64) async throws(EngineError) {
        let source = address.map { "\($0)" } ?? "an unknown address"
        guard bootRates.allows("kickstart \(source)", isHost: false, at: now) else { return }
        let text = "\(source) used a link to a kickstart that nobody gave out."
        try await store.record([Occurrence(.kickstartRefused, .warning, text)], at: now)
    }
}
