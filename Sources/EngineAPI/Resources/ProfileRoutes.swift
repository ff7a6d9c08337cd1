import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `bootprofiles`: what machines boot.
struct ProfileRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let profiles = api.group("bootprofiles")
        profiles.get(.list("Boot profiles", BootProfileCollection.self)) { _, context in
            let all = try await engine.profiles().map { $0.shown(to: context.role) }
            return try await context.answer(BootProfileCollection(all))
        }
        profiles.get(":name", .show("A boot profile", BootProfile.self)) { _, context in
            let profile = try await engine.profile(context.parameters.require("name"))
            return try await context.answer(profile.shown(to: context.role))
        }
        profiles.put(
            ":name",
            .change("Makes or changes a boot profile", BootProfile.self, BootProfile.self)
        ) { request, context in
            let profile = try await request.read(BootProfile.self)
            let name = try context.parameters.require("name")
            guard profile.name == name else {
                throw Fault(
                    .badRequest,
                    "The body names the profile \(profile.name.prefix(64)), the path names \(name.prefix(64)).",
                    remedy: "Use one name in both."
                )
            }
            try await engine.saveProfile(profile, by: context.user)
            return try await context.answer(engine.profile(name))
        }
        profiles.get(":name/versions", .list("What a boot profile was", BootProfileVersionCollection.self)) {
            _,
            context in
            let versions = try await engine.profileVersions(context.parameters.require("name")).map { record in
                BootProfileVersion(
                    version: record.version,
                    saved: WireTime.text(milliseconds: record.saved),
                    user: record.user,
                    profile: record.profile.shown(to: context.role)
                )
            }
            return try await context.answer(BootProfileVersionCollection(versions))
        }
        profiles.action(
            ":name/rollback",
            .act("Makes a boot profile again what it was", BootProfileRollback.self)
        ) { request, context in
            let order = try await request.read(BootProfileRollback.self)
            _ = try await engine.rollBackProfile(
                context.parameters.require("name"),
                to: order.version,
                by: context.user
            )
            return try context.complete()
        }
        profiles.delete(":name", .remove("Removes a boot profile")) { _, context in
            try await engine.removeProfile(context.parameters.require("name"), by: context.user)
            return try context.complete()
        }
    }
}

extension BootProfile {
    /// Who may not change it does not see the digest of root's password either: it can be guessed at elsewhere.
    fileprivate func shown(to role: UserRole) -> BootProfile {
        guard role < .superUser else { return self }
        var shown = self
        shown.kickstart?.rootPassword = nil
        return shown
    }
}
