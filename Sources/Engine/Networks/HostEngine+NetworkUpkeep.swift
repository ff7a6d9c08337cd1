import AgentWire
package import HostModel

// What keeps a host's networks as its data center has them: strangers, what is out of sync, and the networks of another host.

/// A network that a host has and its data center does not know.
package struct UnmanagedNetwork: Hashable, Sendable {
    package var name: String
    /// The nic or bond below; `nil` for a bridge without ports.
    package var device: String?
}

extension HostEngine {
    /// Whether the host had such a card, bond or VLAN device when it last said what it has.
    package func hasNIC(_ name: String, on id: UniqueID) async throws(EngineError) -> Bool {
        struct Known: Decodable {
            struct Anything: Decodable {}
            var nics: [String: Anything]?
            var bondings: [String: Anything]?
            var vlans: [String: Anything]?
        }
        let text = try await store.capabilities(of: id)
        let known: Known? = ColumnJSON.decode(text)
        return known?.nics?[name] != nil || known?.bondings?[name] != nil || known?.vlans?[name] != nil
    }

    /// By name, as the host reports them now.
    package func unmanagedNetworks(of id: UniqueID) async throws(EngineError) -> [UnmanagedNetwork] {
        let (report, known) = try await reportedNetworks(of: id)
        let names = Set(known.map(\.name))
        return report.networks.filter { !names.contains($0.key) }.sorted { $0.key < $1.key }.map { name, network in
            UnmanagedNetwork(name: name, device: network.device(on: report))
        }
    }

    /// Takes such a network from the host; for its next start once that is committed, as in oVirt.
    package func removeUnmanagedNetwork(
        _ name: String,
        from id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard try await unmanagedNetworks(of: id).contains(where: { $0.name == name }) else {
            throw EngineError(
                .notFound,
                "The host has no network \(terminalEscaped(name.prefix(64))) that its data center does not know.",
                remedy: "GET hosts/ID/unmanagednetworks lists them."
            )
        }
        let change = SetupNetworksParameters(
            networks: [name: NetworkAttributes(["remove": "true"])],
            options: networkOptions(commit: false)
        )
        let what = "network \(terminalEscaped(name)), which its data center does not know, removed"
        try await setupNetworks(change, on: id, what, by: user, correlation: correlation)
    }

    /// Makes what differs from the data center and the last order anew. A host that is in sync is not touched.
    package func synchronizeNetworks(of id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        var setup = try await networkSetup(of: id)
        setup.synchronize()
        guard !setup.change.networks.isEmpty else { return }
        var change = setup.change
        change.options = networkOptions()
        let what = "networks synchronized: \(change.networks.keys.sorted().joined(separator: ", "))"
        try await setupNetworks(change, on: id, what, by: user, correlation: correlation)
    }

    /// Gives the host the bonds and networks of another one of its cluster, nic by nic; what it has beside them goes. Fixed
    /// addresses stay with the other host.
    package func copyNetworks(
        from source: WireReference,
        to id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let target = try await hostRow(id)
        guard let found = try await sourceHost(source) else {
            throw EngineError(
                .notFound,
                "There is no host \(terminalEscaped(source.text.prefix(64))) to copy from.",
                remedy: "Name another host by its id or name as source_host."
            )
        }
        guard found.cluster.id == target.row.cluster, found.id != id else {
            throw EngineError(
                .conflict,
                "The networks of \(found.name) cannot be copied to \(target.row.name).",
                remedy: "Copy between two hosts of one cluster."
            )
        }
        let (from, known) = try await reportedNetworks(of: found.id)
        let copy = HostNetworkCopy(from: from, to: try await reportedNetworks(of: id).report, networks: known)
        var order = try copy.order()
        order.commit_on_success = WireFlag(true)
        try await setupNetworks(order, on: id, by: user, correlation: correlation)
    }

    /// The one of this id, or, without one, of this name; `nil` where there is none.
    private func sourceHost(_ reference: WireReference) async throws(EngineError) -> HostRecord? {
        guard let text = reference.id else {
            return try await store.hosts(matching: HostFilter(name: reference.name))
                .first { $0.name.rawValue == reference.name }
        }
        guard let id = UniqueID(rawValue: text) else { return nil }
        do throws(EngineError) { return try await store.host(id) } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }
}
