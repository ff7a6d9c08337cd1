package import HostModel

extension HostEngine {
    /// The versions of a profile, the newest first.
    package func profileVersions(_ name: String) async throws(EngineError) -> [ProfileVersionRecord] {
        try await store.profileVersions(name)
    }

    /// Makes a profile again what it was: as the version, else as the one before.
    package func rollBackProfile(
        _ name: String,
        to version: Int?,
        by user: String
    ) async throws(EngineError) -> BootProfile {
        try await store.rollBack(name, to: version, by: user, at: settings.clock.now())
    }

    /// What hosts boot by their tags and clusters.
    package func bootAssignments() async throws(EngineError) -> [BootAssignment] { try await store.bootAssignments() }

    /// Sets what the hosts of a tag or a cluster boot that have no profile of their own; `nil` takes it away.
    package func assignProfile(
        _ profile: String?,
        to scope: BootAssignment.Scope,
        _ name: String,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await store.assign(profile, to: scope, name, context: context(by: user, correlation))
    }
}
