import AgentWire
package import HostModel

/// A change of a host's networks in VDSM's words: `{"networks": …, "bondings": …}`.
package struct HostNetworkOrder: Hashable, Sendable, Decodable {
    let change: SetupNetworksParameters

    package init(from decoder: any Decoder) throws {
        do {
            change = try SetupNetworksParameters(params: try JSONValue(from: decoder))
        } catch let error as RPCError {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: error.message))
        }
    }

    init(_ change: SetupNetworksParameters) { self.change = change }
}

// Networks of one host: what people ask of it.

extension HostEngine {
    /// The data center's networks that the host carries, as it reports now.
    package func networkAttachments(of id: UniqueID) async throws(EngineError) -> [NetworkAttachment] {
        let all = try await networks()
        return try await withAgent(of: id) { _, link throws(AgentFailure) in
            NetworkAttachment.all(all, on: try await link.capabilities().values)
        }
    }

    /// Puts a network on a nic or bond of the host, or changes how it stands there, and keeps it for the next start.
    package func attach(
        _ order: NetworkAttachmentOrder,
        to id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let network = try await network(order.network)
        let host = try await withAgent(of: id) { _, link throws(AgentFailure) in try await link.capabilities().values }
        let change = SetupNetworksParameters(networks: [network.name: try order.attributes(of: network, on: host)])
        try await setupNetworks(change, on: id, "network \(network.name) attached", by: user, correlation: correlation)
    }

    package func detach(_ reference: String, from id: UniqueID, by user: String, correlation: String?)
        async throws(EngineError)
    {
        let network = try await network(reference)
        guard !network.isManagement else {
            throw EngineError(
                .conflict,
                "\(network.name) is the management network and stays on its hosts.",
                remedy: "The engine reaches the host over it."
            )
        }
        let change = SetupNetworksParameters(networks: [network.name: NetworkAttributes(["remove": "true"])])
        try await setupNetworks(change, on: id, "network \(network.name) detached", by: user, correlation: correlation)
    }

    /// A change in VDSM's own words. The host keeps it only if it hears the engine afterwards.
    package func setupNetworks(
        _ order: HostNetworkOrder,
        on id: UniqueID,
        commit: Bool,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await setupNetworks(order.change, on: id, "networks changed", commit, by: user, correlation: correlation)
    }

    /// What the host would do, a line each. Nothing is changed.
    package func planNetworks(_ order: HostNetworkOrder, on id: UniqueID) async throws(EngineError) -> [String] {
        try await withAgent(of: id) { _, link throws(AgentFailure) in
            let answer = try await link.call(.planNetworks, order.change.params)
            guard let lines = answer["plan"]?.array?.compactMap(\.string) else {
                throw .malformed("The host's plan cannot be read.")
            }
            return lines.map { terminalEscaped($0) }
        }
    }

    /// What runs on the host now is what it starts with.
    package func commitNetworks(of id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        let host = try await withAgent(of: id) { host, link throws(AgentFailure) in
            _ = try await link.call(.setSafeNetworkConfig)
            return host
        }
        try await tell(host, .hostNetworksChanged, .normal, "its networks are kept", by: user, correlation)
    }

    private func setupNetworks(
        _ change: SetupNetworksParameters,
        on id: UniqueID,
        _ what: String,
        _ commit: Bool = true,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        var change = change
        (change.options.connectivityCheck, change.options.commitOnSuccess) = (true, commit)
        change.options.connectivityTimeout = Int(settings.monitoring.connectivityCheck / 1000)
        let wanted = change
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
        try await tell(host, .hostNetworksChanged, .normal, what, by: user, correlation)
    }

    /// As an address moves the connection breaks; the host itself shows then how the change ended.
    private func order(_ change: SetupNetworksParameters, over link: AgentLink) async throws(AgentFailure) {
        do throws(AgentFailure) {
            _ = try await link.call(.setupNetworks, change.params, timeout: settings.monitoring.call)
            return
        } catch {
            if case .refused = error { throw error }
            // What is not kept for the next start does not show whether it is still under way.
            guard error.isPassing, change.options.commitOnSuccess else { throw error }
        }
        let end = settings.clock.now() + settings.monitoring.connectivityCheck
        while true {
            await link.close()
            try? await Task.sleep(for: .milliseconds(settings.monitoring.connectivityPoll))
            do throws(AgentFailure) {
                let host = try await link.capabilities().values
                if host.netConfigDirty != "True" {
                    guard Self.stands(change, on: host) else {
                        throw AgentFailure.malformed("It took the change back: it did not hear the engine.")
                    }
                    return
                }
                throw AgentFailure.timedOut("The change has not ended.")
            } catch {
                guard error.isPassing, settings.clock.now() < end, !Task.isCancelled else { throw error }
            }
        }
    }

    private static func stands(_ change: SetupNetworksParameters, on host: HostCapabilities) -> Bool {
        change.networks.allSatisfy { name, attributes in
            (host.networks[name] != nil) == (attributes["remove"]?.boolean != true)
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

    private func hostRow(_ id: UniqueID) async throws(EngineError) -> WatchedHost {
        guard let host = try await store.watched(id) else { throw HostRow.notFound(id) }
        return host
    }

    private func withAgent<Answer: Sendable>(
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

    private func tell(
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
