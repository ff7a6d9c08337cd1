import AgentWire
import HostModel

// Labels: a nic of a host that has one carries every network with it.

extension HostEngine {
    /// So many hosts are changed at the same time.
    private static let hostsAtOnce = 4

    /// Puts a network that has got a label on every nic that has the same, a few hosts at a time. The first host that refuses
    /// ends it: those that come after it stay as they are.
    package func spread(_ network: NetworkRecord, by user: String, correlation: String?) async throws(EngineError) {
        guard let label = network.label else { return }
        let failure = await firstFailure(on: try await store.hosts(labelled: label, in: network.dataCenter)) {
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
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard let label = network.label else { return }
        let failure = await firstFailure(on: try await store.hosts(labelled: label, in: network.dataCenter)) {
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
            "Network \(network.name) keeps the label \(label), as not every host with it let the network go. \(failure.detail)",
            remedy: failure.remedy ?? "Take the label away once more when the host is well: the rest is done then."
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

    /// Changes hosts, a few at a time, until one refuses; that one's error. Those that are at it go on to their end.
    private func firstFailure(
        on hosts: [UniqueID],
        _ change: @escaping @Sendable (UniqueID) async throws(EngineError) -> Void
    ) async -> EngineError? {
        var waiting = hosts[...]
        while !waiting.isEmpty {
            let now = waiting.prefix(Self.hostsAtOnce)
            waiting = waiting.dropFirst(now.count)
            let failures = await withTaskGroup(of: EngineError?.self) { group in
                for host in now {
                    group.addTask {
                        do throws(EngineError) { try await change(host) } catch { return error }
                        return nil
                    }
                }
                return await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
            }
            if let failure = failures.first { return failure }
        }
        return nil
    }
}
