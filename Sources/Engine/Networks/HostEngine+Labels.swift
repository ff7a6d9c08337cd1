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
        var waiting = try await store.hosts(labelled: label)[...]
        while !waiting.isEmpty {
            let now = waiting.prefix(Self.hostsAtOnce)
            waiting = waiting.dropFirst(now.count)
            let failures = await withTaskGroup(of: EngineError?.self) { group in
                for host in now {
                    group.addTask { await self.failure(of: network, label, on: host, by: user, correlation) }
                }
                return await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
            }
            guard let failure = failures.first else { continue }
            throw EngineError(
                failure.kind,
                "Network \(network.name) has the label \(label) now, and not every host with it carries it. \(failure.detail)",
                remedy: failure.remedy ?? "Change the network once more when the host is well: the rest is done then."
            )
        }
    }

    private func failure(
        of network: NetworkRecord,
        _ label: String,
        on host: UniqueID,
        by user: String,
        _ correlation: String?
    ) async -> EngineError? {
        do throws(EngineError) {
            guard let nic = try await store.nicLabels(of: host)[label] else { return nil }
            var setup = try await networkSetup(of: host)
            setup.attach(network, to: nic)
            guard !setup.change.networks.isEmpty else { return nil }
            var change = setup.change
            change.options = networkOptions()
            try await setupNetworks(
                change,
                on: host,
                "network \(network.name) attached for the label \(label)",
                by: user,
                correlation: correlation
            )
            return nil
        } catch {
            return error
        }
    }
}
