import AgentWire
import HostModel

// How a host is asked to change its networks: the connection may break on the way, and the host's own report is what counts
// in the end.

extension HostEngine {
    /// Checked by the engine's voice, and kept for the next start where that is asked for.
    func networkOptions(commit: Bool = true) -> SetupNetworksParameters.Options {
        var options = SetupNetworksParameters.Options()
        (options.connectivityCheck, options.commitOnSuccess) = (true, commit)
        options.connectivityTimeout = Int(settings.monitoring.connectivityCheck / 1000)
        return options
    }

    /// `what` is what is told of it. What was ordered is kept as the host's order.
    func setupNetworks(
        _ wanted: SetupNetworksParameters,
        on id: UniqueID,
        _ what: String,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let host = try await hostRow(id)
        do throws(EngineError) {
            try await withAgent(of: id) { host, link throws(AgentFailure) in
                try await confirming(host) { () throws(AgentFailure) in
                    try await order(wanted, over: link)
                }
            }
        } catch {
            try await tell(
                host,
                .hostNetworksFailed,
                .error,
                "\(what): not done. \(error.detail)",
                by: user,
                correlation
            )
            throw error
        }
        try await store.keepOrders(wanted, of: id)
        try await tell(host, .hostNetworksChanged, .normal, what, by: user, correlation)
    }

    /// As an address moves the connection breaks; the host itself shows then how the change ended.
    private func order(_ change: SetupNetworksParameters, over link: AgentLink) async throws(AgentFailure) {
        let wait = Int64(change.options.connectivityTimeout) * 1000
        do throws(AgentFailure) {
            let extra = max(0, wait - settings.monitoring.connectivityCheck)
            _ = try await link.call(.setupNetworks, change.params, timeout: settings.monitoring.call + extra)
            return
        } catch {
            if case .refused = error { throw error }
            guard error.isPassing else { throw error }
        }
        let end = settings.clock.now() + max(settings.monitoring.connectivityCheck, wait)
        while true {
            await link.close()
            try? await Task.sleep(for: .milliseconds(settings.monitoring.connectivityPoll))
            do throws(AgentFailure) {
                try Self.judge(change, by: try await link.capabilities().values)
                return
            } catch {
                guard error.isPassing, settings.clock.now() < end, !Task.isCancelled else { throw error }
            }
        }
    }

    /// Throws what may pass while the change is under way.
    private static func judge(_ change: SetupNetworksParameters, by host: HostCapabilities) throws(AgentFailure) {
        let isKept = host.netConfigDirty != "True"
        // An agent that does not say whether it is at it shows it by what is not kept; a change that need not be kept not
        // at all.
        guard !(host.musterNetworkChanging ?? !isKept) else { throw .timedOut("The change has not ended.") }
        guard host.musterNetworkChanging != nil || change.options.commitOnSuccess else {
            throw .malformed("The connection broke, and this host does not say what became of the change.")
        }
        if let deviation = change.deviation(on: host) {
            throw .malformed("It took the change back, as it did not hear the engine: \(deviation).")
        }
        guard isKept || !change.options.commitOnSuccess else {
            throw .malformed("It made the change, and did not keep it for its next start.")
        }
    }

    /// The agent hears the engine over a connection of its own while `body` runs: the other may be dead since an address
    /// moved.
    private func confirming(_ host: WatchedHost, _ body: () async throws(AgentFailure) -> Void)
        async throws(AgentFailure)
    {
        let (times, dialer) = (settings.monitoring, try? dialer())
        let voice = Task {
            guard let dialer, let target = host.target else { return }
            let second = AgentLink(dialer, target)
            while !Task.isCancelled {
                do {
                    _ = try await second.call(.confirmConnectivity, timeout: times.confirmation)
                } catch {
                    await second.close()
                }
                try? await Task.sleep(for: .milliseconds(times.connectivityPoll))
            }
            await second.close()
        }
        defer { voice.cancel() }
        try await body()
    }

    private func dialer() throws(EngineError) -> AgentDialer {
        try AgentDialer(authority: authority.certificate, identity: identity, times: settings.monitoring)
    }

    func hostRow(_ id: UniqueID) async throws(EngineError) -> WatchedHost {
        guard let host = try await store.watched(id) else { throw HostRow.notFound(id) }
        return host
    }

    func withAgent<Answer: Sendable>(
        of id: UniqueID,
        _ body: (WatchedHost, AgentLink) async throws(AgentFailure) -> Answer
    ) async throws(EngineError) -> Answer {
        let host = try await hostRow(id)
        guard let target = host.target else {
            throw EngineError(
                .conflict,
                "Host \(host.row.name) is not approved, so its agent is not asked.",
                remedy: "Approve it first: `muster host approve \(host.row.name) --code CODE`."
            )
        }
        try refuseHeld(host.row.name, certificateOf: host.publicKey?.issued)
        let link = AgentLink(try dialer(), target)
        do throws(AgentFailure) {
            let answer = try await body(host, link)
            await link.close()
            return answer
        } catch {
            await link.close()
            throw Self.networkRefusal(error, of: host.row.name)
        }
    }

    private static func networkRefusal(_ failure: AgentFailure, of host: HostName) -> EngineError {
        switch failure {
        case .refused(let error) where !failure.isPassing:
            EngineError(
                .conflict,
                "Host \(host) refuses: \(terminalEscaped(error.message.prefix(1000))) (code \(error.code.rawValue)).",
                remedy: "`muster host network \(host) show` shows its networks."
            )
        default:
            EngineError(
                .unavailable,
                "Host \(host) cannot be asked. \(failure.sentence)",
                remedy: "`muster host show \(host)` shows where it stands."
            )
        }
    }

    func tell(
        _ host: WatchedHost,
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ what: String,
        by user: String,
        _ correlation: String?
    ) async throws(EngineError) {
        let context = context(by: user, correlation)
        let text = "Host \(host.row.name): \(what)."
        var occurrence = Occurrence(code, severity, text, user: context.user, correlation: context.correlation)
        (occurrence.host, occurrence.hostName) = (host.row.id, host.row.name)
        try await store.record([occurrence], at: context.now)
    }
}
