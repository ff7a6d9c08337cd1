package import HostModel
import NIOHTTP1

extension EngineSession {
    private static func profilePath(_ name: String, _ rest: String = "") -> String {
        "\(api)/bootprofiles/\(percentEncoded(name))\(rest)"
    }

    private static func assignmentPath(_ scope: BootAssignment.Scope, _ name: String) -> String {
        "\(api)/bootassignments/\(scope.rawValue)/\(percentEncoded(name))"
    }

    /// The newest first.
    package func profileVersions(_ name: String) async throws(CallError) -> [BootProfileVersion] {
        try await decode(BootProfileVersionCollection.self, .get(Self.profilePath(name, "/versions"))).version ?? []
    }

    /// Makes a profile again what it was; without a version, what it was before.
    package func rollBackProfile(_ name: String, to version: Int?) async throws(CallError) {
        let order = BootProfileRollback(version: version)
        _ = try await perform(try Self.json(.POST, Self.profilePath(name, "/rollback"), order))
    }

    package func removeProfile(_ name: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, Self.profilePath(name)))
    }

    package func bootAssignments() async throws(CallError) -> [BootAssignment] {
        try await decode(BootAssignmentCollection.self, .get("\(Self.api)/bootassignments")).boot_assignment ?? []
    }

    /// `nil` takes the profile away.
    package func assignProfile(
        _ profile: String?,
        to scope: BootAssignment.Scope,
        _ name: String
    ) async throws(CallError) {
        let path = Self.assignmentPath(scope, name)
        if let profile {
            _ = try await perform(try Self.json(.PUT, path, BootAssignmentOrder(profile: profile)))
        } else {
            _ = try await perform(HTTPCall(.DELETE, path))
        }
    }
}
