package import AgentWire
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
        let (all, ordered) = (try await networks(of: id), try await store.orderedNetworks(of: id))
        return try await withAgent(of: id) { _, link throws(AgentFailure) in
            NetworkAttachment.all(all, ordered: ordered, on: try await link.capabilities().values)
        }
    }

    /// Puts a network on a nic or bond of the host, or changes how it stands there, and keeps it for the next start.
    package func attach(
        _ order: NetworkAttachmentOrder,
        to id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let (network, change) = try await attachment(order, of: id)
        try await setupNetworks(change, on: id, "network \(network.name) attached", by: user, correlation: correlation)
    }

    /// What `attach` would do on the host, a line each.
    package func planAttachment(_ order: NetworkAttachmentOrder, to id: UniqueID) async throws(EngineError) -> [String]
    {
        try await planNetworks(HostNetworkOrder(try await attachment(order, of: id).1), on: id)
    }

    private func attachment(
        _ order: NetworkAttachmentOrder,
        of id: UniqueID
    ) async throws(EngineError) -> (NetworkRecord, SetupNetworksParameters) {
        let network = try await network(order.network, of: id)
        let ordered = try await store.orderedNetworks(of: id)[network.id]
        let host = try await reported(by: id)
        let attributes = try order.attributes(of: network, ordered: ordered, on: host)
        return (network, SetupNetworksParameters(networks: [network.name: attributes], options: networkOptions()))
    }

    /// `commit`: for the host's next start, too.
    package func detach(
        _ reference: String,
        from id: UniqueID,
        commit: Bool = true,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        var (network, change) = try await detachment(reference, from: id)
        change.options.commitOnSuccess = commit
        if try await store.orderedNetworks(of: id)[network.id] != nil,
            try await reported(by: id).networks[network.name] == nil
        {
            // The host lost it before: what is left of it is the order.
            return try await store.keepOrders(change, of: id)
        }
        try await setupNetworks(change, on: id, "network \(network.name) detached", by: user, correlation: correlation)
    }

    /// What `detach` would do on the host, a line each.
    package func planDetachment(_ reference: String, from id: UniqueID) async throws(EngineError) -> [String] {
        let (network, change) = try await detachment(reference, from: id)
        guard try await reported(by: id).networks[network.name] != nil else { return [] }
        return try await planNetworks(HostNetworkOrder(change), on: id)
    }

    private func detachment(
        _ reference: String,
        from id: UniqueID
    ) async throws(EngineError) -> (NetworkRecord, SetupNetworksParameters) {
        let network = try await network(reference, of: id)
        guard !network.isManagement else {
            throw EngineError(
                .conflict,
                "\(network.name) is the management network and stays on its hosts.",
                remedy: "The engine reaches the host over it."
            )
        }
        let removal = NetworkAttributes(["remove": "true"])
        return (network, SetupNetworksParameters(networks: [network.name: removal], options: networkOptions()))
    }

    /// A change in VDSM's own words. The host keeps it only if it hears the engine afterwards.
    package func setupNetworks(
        _ order: HostNetworkOrder,
        on id: UniqueID,
        commit: Bool,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        var change = order.change
        change.options = networkOptions(commit: commit)
        try await setupNetworks(change, on: id, "networks changed", by: user, correlation: correlation)
    }

    /// A change in oVirt's words: attachments, bonds and labels. One that changes nothing does not touch the host.
    package func setupNetworks(
        _ order: SetupNetworksResource,
        on id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        var setup = try await networkSetup(of: id)
        try setup.take(order)
        var change = setup.change
        change.options = networkOptions(commit: order.commit_on_success?.value ?? false)
        change.options.connectivityCheck = order.check_connectivity?.value ?? true
        if let seconds = order.connectivity_timeout?.value {
            guard (1...SetupNetworksParameters.connectivityTimeoutMax).contains(seconds) else {
                throw EngineError(
                    .invalid,
                    "connectivity_timeout is 1 to \(SetupNetworksParameters.connectivityTimeoutMax) seconds.",
                    remedy: "Leave it out."
                )
            }
            change.options.connectivityTimeout = seconds
        }
        if !change.networks.isEmpty || !change.bondings.isEmpty {
            try await setupNetworks(change, on: id, "networks changed", by: user, correlation: correlation)
        }
        try await store.keepOrders(setup.forgotten, of: id)
        try await store.setNICLabels(setup.newLabels, of: id)
    }

    func networkSetup(of id: UniqueID) async throws(EngineError) -> HostNetworkSetup {
        let host = try await hostRow(id)
        return HostNetworkSetup(
            networks: host.networks,
            ordered: try await store.orderedNetworks(of: id),
            labels: try await store.nicLabels(of: id),
            host: try await reported(by: id)
        )
    }

    /// The nic of each label of the host.
    package func nicLabels(of id: UniqueID) async throws(EngineError) -> [String: String] {
        _ = try await hostRow(id)
        return try await store.nicLabels(of: id)
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

    /// The host's networks as it reports them now, and those of its data center.
    package func reportedNetworks(
        of id: UniqueID
    ) async throws(EngineError) -> (report: HostCapabilities, known: [NetworkRecord]) {
        (try await reported(by: id), try await networks(of: id))
    }

    private func reported(by id: UniqueID) async throws(EngineError) -> HostCapabilities {
        try await withAgent(of: id) { _, link throws(AgentFailure) in try await link.capabilities().values }
    }
}
