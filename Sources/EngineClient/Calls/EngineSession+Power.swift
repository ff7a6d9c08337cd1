package import HostModel
import NIOHTTP1

extension EngineSession {
    package func fenceAgents(of host: String) async throws(CallError) -> [FenceAgentResource] {
        try await decode(FenceAgentCollection.self, .get(Self.fenceAgentsPath(host))).agent ?? []
    }

    package func addFenceAgent(_ agent: FenceAgentResource, to host: String) async throws(CallError)
        -> FenceAgentResource
    {
        try await decode(FenceAgentResource.self, try Self.json(.POST, Self.fenceAgentsPath(host), agent))
    }

    package func changeFenceAgent(
        _ id: String,
        _ agent: FenceAgentResource,
        of host: String
    ) async throws(CallError) -> FenceAgentResource {
        let path = "\(Self.fenceAgentsPath(host))/\(percentEncoded(id))"
        return try await decode(FenceAgentResource.self, try Self.json(.PUT, path, agent))
    }

    package func removeFenceAgent(_ id: String, of host: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, "\(Self.fenceAgentsPath(host))/\(percentEncoded(id))"))
    }

    /// Asks the board, which may take a minute, or orders it to switch the host, which is a job.
    package func fence(_ host: String, _ action: FenceActionResource) async throws(CallError) -> ActionResource {
        let path = "\(Self.api)/hosts/\(percentEncoded(host))/fence"
        return try await decode(ActionResource.self, try Self.json(.POST, path, action))
    }

    package func changePower(of host: String, _ power: PowerManagementResource) async throws(CallError) -> HostResource
    {
        let path = "\(Self.api)/hosts/\(percentEncoded(host))"
        var order = HostOrder()
        order.power_management = power
        return try await decode(HostResource.self, try Self.json(.PUT, path, order))
    }

    private static func fenceAgentsPath(_ host: String) -> String { "\(api)/hosts/\(percentEncoded(host))/fenceagents" }
}
