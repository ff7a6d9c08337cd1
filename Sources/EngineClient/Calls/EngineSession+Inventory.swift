package import HostModel

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

    /// What a machine would boot. `architecture` is a name as `uefi-x64`.
    package func explainBoot(_ mac: MACAddress, architecture: String) async throws(CallError) -> BootExplanation {
        let query = "mac=\(percentEncoded("\(mac)"))&arch=\(percentEncoded(architecture))"
        return try await decode(BootExplanation.self, .get("\(Self.api)/bootservices/explanation?\(query)"))
    }
}
