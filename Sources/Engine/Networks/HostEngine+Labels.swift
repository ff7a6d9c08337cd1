import AgentWire
package import HostModel

// Labels: a nic of a host that has one carries every network with it.

extension HostEngine {
    /// So many hosts are changed at the same time.
    private static let hostsAtOnce = 4

    /// Puts a network that has got a label on every nic that has the same, a few hosts at a time. The first host that refuses
    /// ends it: those that come after it stay as they are.
    package func spread(
        _ network: NetworkRecord,
        in cluster: UniqueID? = nil,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard let label = network.label else { return }
        let hosts = try await store.hosts(labelled: label, for: network.id, in: cluster)
        let failure = await firstFailure(on: hosts) {
            [self] host throws(EngineError) in
            guard let nic = try await store.nicLabels(of: host)[label] else { return }
            var setup = try await networkSetup(of: host)
            setup.attach(network, to: nic)
            try await carryOut(
                setup,
                on: host,
                "network \(network.name) attached for the label \(label)",
                by: user,
                correlation
            )
        }
        guard let failure else { return }
        throw EngineError(
            failure.kind,
            "Network \(network.name) has the label \(label) now, and not every host with it carries it. \(failure.detail)",
            remedy: failure.remedy ?? "Change the network once more when the host is well: the rest is done then."
        )
    }

    /// Takes a network whose label is to go from every nic that carries it for that label, before it goes: where a host refuses
    /// the network keeps its label, and the same order does the rest. A host where the network's next label stands too is left
    /// to `spread`.
    func letGo(
        _ network: NetworkRecord,
        instead next: String?,
        in cluster: UniqueID? = nil,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard let label = network.label else { return }
        let hosts = try await store.hosts(labelled: label, for: network.id, in: cluster)
        let failure = await firstFailure(on: hosts) {
            [self] host throws(EngineError) in
            let labels = try await store.nicLabels(of: host)
            guard let nic = labels[label], next.flatMap({ labels[$0] }) == nil else { return }
            var setup = try await networkSetup(of: host)
            try setup.letGo(network, of: nic)
            try await carryOut(
                setup,
                on: host,
                "network \(network.name) detached with the label \(label)",
                by: user,
                correlation
            )
        }
        guard let failure else { return }
        throw EngineError(
            failure.kind,
            "Network \(network.name) stays as it is, as not every host with its label \(label) let the network go. \(failure.detail)",
            remedy: failure.remedy ?? "Order the same once more when the host is well: the rest is done then."
        )
    }

    private func carryOut(
        _ setup: HostNetworkSetup,
        on host: UniqueID,
        _ what: String,
        by user: String,
        _ correlation: String?
    ) async throws(EngineError) {
        if !setup.change.networks.isEmpty {
            var change = setup.change
            change.options = networkOptions()
            try await setupNetworks(change, on: host, what, by: user, correlation: correlation)
        }
        try await store.keepOrders(setup.forgotten, of: host)
    }

    private func firstFailure(
        on hosts: [UniqueID],
        _ change: @escaping @Sendable (UniqueID) async throws(EngineError) -> Void
    ) async -> EngineError? {
        await failures(on: hosts, stopsAtFirst: true, change).first?.error
    }

    /// Changes hosts, a few at a time, and gives those that refuse, in the order of `hosts`. Where the first ends it, those that
    /// are at it go on to their end.
    func failures(
        on hosts: [UniqueID],
        stopsAtFirst: Bool,
        _ change: @escaping @Sendable (UniqueID) async throws(EngineError) -> Void
    ) async -> [(host: UniqueID, error: EngineError)] {
        var (waiting, failed) = (hosts[...], [UniqueID: EngineError]())
        while !waiting.isEmpty, failed.isEmpty || !stopsAtFirst {
            let now = waiting.prefix(Self.hostsAtOnce)
            waiting = waiting.dropFirst(now.count)
            await withTaskGroup(of: (UniqueID, EngineError?).self) { group in
                for host in now {
                    group.addTask {
                        do throws(EngineError) { try await change(host) } catch { return (host, error) }
                        return (host, nil)
                    }
                }
                for await (host, error) in group { failed[host] = error }
            }
        }
        return hosts.compactMap { host in failed[host].map { (host, $0) } }
    }
}
