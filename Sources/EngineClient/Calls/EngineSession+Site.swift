package import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    private static func path<Resource: SiteResource>(_ kind: Resource.Type, _ id: String? = nil) -> String {
        "\(api)/\(Resource.collection)" + (id.map { "/\(percentEncoded($0))" } ?? "")
    }

    /// All of a kind, by name.
    package func list<Resource: SiteResource>(
        _ kind: Resource.Type,
        search: String? = nil
    ) async throws(CallError) -> [Resource] {
        let query = search.map { "?search=\(percentEncoded($0))" } ?? ""
        return try await decode(SiteCollection<Resource>.self, .get(Self.path(kind) + query)).elements
    }

    package func add<Resource: SiteResource>(
        _ kind: Resource.Type,
        _ order: Resource.Order
    ) async throws(CallError) -> Resource {
        try await decode(kind, try Self.json(.POST, Self.path(kind), order))
    }

    /// What the order leaves out stays.
    package func update<Resource: SiteResource>(
        _ kind: Resource.Type,
        _ id: String,
        _ order: Resource.Order
    ) async throws(CallError) -> Resource {
        try await decode(kind, try Self.json(.PUT, Self.path(kind, id), order))
    }

    package func remove<Resource: SiteResource>(_ kind: Resource.Type, _ id: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, Self.path(kind, id)))
    }

    /// Puts a tag or an affinity label on a host.
    package func mark<Resource: SiteResource>(_ kind: Resource.Type, _ id: String, host: String) async throws(CallError)
    {
        let path = "\(Self.api)/hosts/\(percentEncoded(host))/\(Resource.collection)"
        _ = try await perform(try Self.json(.POST, path, WireReference(id: id)))
    }

    package func unmark<Resource: SiteResource>(
        _ kind: Resource.Type,
        _ id: String,
        host: String
    ) async throws(CallError) {
        let path = "\(Self.api)/hosts/\(percentEncoded(host))/\(Resource.collection)/\(percentEncoded(id))"
        _ = try await perform(HTTPCall(.DELETE, path))
    }

    /// Changes what people say of a host.
    package func updateHost(_ id: String, _ order: HostOrder) async throws(CallError) -> HostResource {
        try await decode(HostResource.self, try Self.json(.PUT, "\(Self.api)/hosts/\(percentEncoded(id))", order))
    }
}

extension EngineSession {
    /// 403 when the old password is wrong, or when it is another's and one may not.
    package func setPassword(of id: String, _ change: UserResource.PasswordChange) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, "\(Self.path(UserResource.self))/\(id)/password", change))
    }
}
