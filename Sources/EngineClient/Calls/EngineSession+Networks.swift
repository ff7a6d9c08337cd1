package import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    private static func path(_ host: String, _ action: String) -> String {
        "\(api)/hosts/\(percentEncoded(host))/\(action)"
    }

    package func addNetwork(_ order: NetworkOrder) async throws(CallError) -> NetworkResource {
        try await decode(NetworkResource.self, try Self.json(.POST, "\(Self.api)/networks", order))
    }

    package func updateNetwork(_ id: String, _ order: NetworkOrder) async throws(CallError) -> NetworkResource {
        try await decode(NetworkResource.self, try Self.json(.PUT, "\(Self.api)/networks/\(percentEncoded(id))", order))
    }

    package func removeNetwork(_ id: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, "\(Self.api)/networks/\(percentEncoded(id))"))
    }

    private static func networks(ofCluster cluster: String) -> String {
        "\(api)/clusters/\(percentEncoded(cluster))/networks"
    }

    /// Those that the cluster has, with what its hosts need of them.
    package func networks(ofCluster cluster: String) async throws(CallError) -> [NetworkResource] {
        try await decode(NetworkCollection.self, .get(Self.networks(ofCluster: cluster))).network ?? []
    }

    package func addNetwork(
        _ order: ClusterNetworkOrder,
        toCluster cluster: String
    ) async throws(CallError) -> NetworkResource {
        try await decode(NetworkResource.self, try Self.json(.POST, Self.networks(ofCluster: cluster), order))
    }

    package func updateNetwork(
        _ id: String,
        ofCluster cluster: String,
        _ order: ClusterNetworkOrder
    ) async throws(CallError) -> NetworkResource {
        let path = "\(Self.networks(ofCluster: cluster))/\(percentEncoded(id))"
        return try await decode(NetworkResource.self, try Self.json(.PUT, path, order))
    }

    package func removeNetwork(_ id: String, fromCluster cluster: String) async throws(CallError) {
        let path = "\(Self.networks(ofCluster: cluster))/\(percentEncoded(id))"
        _ = try await perform(HTTPCall(.DELETE, path))
    }

    /// Makes anew, on each host of the cluster that is up, what differs from its networks.
    package func synchronizeNetworks(ofCluster cluster: String) async throws(CallError) {
        let path = "\(Self.api)/clusters/\(percentEncoded(cluster))/syncallnetworks"
        _ = try await perform(.post(path, ByteBuffer(string: "{}")))
    }

    /// The data center's networks that the host carries, asked of it now.
    package func networkAttachments(of host: String) async throws(CallError) -> [NetworkAttachmentResource] {
        let path = Self.path(host, "networkattachments")
        return try await decode(NetworkAttachmentCollection.self, .get(path)).network_attachment ?? []
    }

    /// Returns when the host has made the change, was heard afterwards, and keeps it.
    package func attachNetwork(_ order: NetworkAttachmentOrder, to host: String) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, Self.path(host, "networkattachments"), order))
    }

    /// For the host's next start, too.
    package func detachNetwork(_ network: String, from host: String) async throws(CallError) {
        let path = Self.path(host, "networkattachments/\(percentEncoded(network))?commit_on_success=true")
        _ = try await perform(HTTPCall(.DELETE, path))
    }

    /// What attaching would do on the host, a line each; nothing is changed.
    package func planAttachment(_ order: NetworkAttachmentOrder, to host: String) async throws(CallError) -> [String] {
        let path = Self.path(host, "networkattachments?dry_run=true")
        return try await decode(Plan.self, try Self.json(.POST, path, order)).plan
    }

    /// What detaching would do on the host, a line each; nothing is changed.
    package func planDetachment(_ network: String, from host: String) async throws(CallError) -> [String] {
        let path = Self.path(host, "networkattachments/\(percentEncoded(network))?dry_run=true")
        return try await decode(Plan.self, HTTPCall(.DELETE, path)).plan
    }

    private struct Plan: Decodable {
        var plan: [String]
    }

    /// What a change in VDSM's words would do on the host, a line each.
    package func planNetworks(_ change: some Encodable & Sendable, on host: String) async throws(CallError) -> [String]
    {
        try await decode(Plan.self, try Self.json(.POST, Self.path(host, "plannetworks"), change)).plan
    }

    package func applyNetworks(
        _ change: some Encodable & Sendable,
        on host: String,
        commit: Bool
    ) async throws(CallError) {
        let path = Self.path(host, "applynetworks") + (commit ? "?commit=true" : "")
        _ = try await perform(try Self.json(.POST, path, change))
    }

    /// Attachments, bonds and labels in oVirt's words. Returns when the host has made the change and was heard afterwards.
    package func setupNetworks(_ order: SetupNetworksResource, on host: String) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, Self.path(host, "setupnetworks"), order))
    }

    /// The labels of the host's nics.
    package func nicLabels(of host: String) async throws(CallError) -> [NICLabelResource] {
        let found = try await decode(NICLabelCollection.self, .get(Self.path(host, "networklabels")))
        return found.network_label?.elements ?? []
    }

    /// Gives a nic of the host so many virtual functions, for its next starts too.
    package func setVirtualFunctions(_ count: Int, of nic: String, on host: String) async throws(CallError) {
        let path = Self.path(host, "nics/\(percentEncoded(nic))/updatevirtualfunctionsconfiguration")
        _ = try await perform(try Self.json(.POST, path, VirtualFunctionsAction(count: count)))
    }

    package func commitNetworks(of host: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(host, "commitnetconfig"), ByteBuffer(string: "{}")))
    }
}
