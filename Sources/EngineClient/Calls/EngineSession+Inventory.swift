package import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    package func networks(search: String? = nil) async throws(CallError) -> [NetworkResource] {
        let query = search.map { "?search=\(percentEncoded($0))" } ?? ""
        return try await decode(NetworkCollection.self, .get("\(Self.api)/networks\(query)")).network ?? []
    }

    package func profiles() async throws(CallError) -> [BootProfile] {
        try await decode(BootProfileCollection.self, .get("\(Self.api)/bootprofiles")).boot_profile ?? []
    }

    /// 404 when there is none of this name.
    package func profile(_ name: String) async throws(CallError) -> BootProfile {
        try await decode(BootProfile.self, .get("\(Self.api)/bootprofiles/\(percentEncoded(name))"))
    }
}

extension EngineSession {
    /// The boot servers, each as it said last.
    package func bootServices() async throws(CallError) -> [BootServiceResource] {
        try await decode(BootServiceCollection.self, .get("\(Self.api)/bootservices")).boot_service ?? []
    }

    private static let bootServerPath = "\(api)/bootservers"

    /// Boot servers on other segments: approved, waiting, denied.
    package func bootServers() async throws(CallError) -> [BootServerResource] {
        try await decode(BootServerCollection.self, .get(Self.bootServerPath)).boot_server ?? []
    }

    /// By name or id; 404 when there is none.
    package func bootServer(_ name: String) async throws(CallError) -> BootServerResource {
        try await decode(BootServerResource.self, .get("\(Self.bootServerPath)/\(percentEncoded(name))"))
    }

    package func approveBootServer(_ name: String, code: ApprovalCode) async throws(CallError) {
        let path = "\(Self.bootServerPath)/\(percentEncoded(name))/approve"
        _ = try await perform(try Self.json(.POST, path, BootServerApproval(code: code.description)))
    }

    package func denyBootServer(_ id: String) async throws(CallError) {
        let path = "\(Self.bootServerPath)/\(percentEncoded(id))/deny"
        _ = try await perform(.post(path, ByteBuffer(string: "{}")))
    }

    package func removeBootServer(_ id: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, "\(Self.bootServerPath)/\(percentEncoded(id))"))
    }

    /// What a machine would boot. `architecture` is a name as `uefi-x64`.
    package func explainBoot(_ mac: MACAddress, architecture: String) async throws(CallError) -> BootExplanation {
        let query = "mac=\(percentEncoded("\(mac)"))&arch=\(percentEncoded(architecture))"
        return try await decode(BootExplanation.self, .get("\(Self.api)/bootservices/explanation?\(query)"))
    }
}
