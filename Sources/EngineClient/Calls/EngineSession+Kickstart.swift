package import HostModel
import NIOHTTP1

extension EngineSession {
    /// Makes the profile, or changes it.
    package func saveProfile(_ profile: BootProfile) async throws(CallError) {
        _ = try await perform(try Self.json(.PUT, "\(Self.api)/bootprofiles/\(percentEncoded(profile.name))", profile))
    }

    /// 404 while no disk is named for the host.
    package func hostKickstart(_ id: String) async throws(CallError) -> HostKickstart {
        try await decode(HostKickstart.self, .get(Self.kickstartPath(id)))
    }

    package func setHostKickstart(_ id: String, _ settings: HostKickstart) async throws(CallError) {
        _ = try await perform(try Self.json(.PUT, Self.kickstartPath(id), settings))
    }

    package func removeHostKickstart(_ id: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, Self.kickstartPath(id)))
    }

    private static func kickstartPath(_ id: String) -> String { "\(api)/hosts/\(percentEncoded(id))/kickstart" }
}
