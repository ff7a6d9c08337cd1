import ArgumentParser
import EngineClient
import HostModel

struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Boot profiles: what machines boot.",
        discussion: """
            What a host boots: what was set for its next boot, else its own profile (muster host boot), else that of one of its \
            tags, else that of its cluster (muster profile assign), else the profile default.
            """,
        subcommands: [
            ProfileList.self, ProfileShow.self, ProfileSet.self, ProfileInstall.self, ProfileRemove.self,
            ProfileVersions.self, ProfileRollback.self, ProfileAssign.self, ProfileUnassign.self,
            ProfileAssignments.self,
        ]
    )
}

struct ProfileList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the boot profiles.",
        aliases: ["ls"]
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let profiles = try await options.withSession { try await $0.profiles() }
        output.show(profiles, as: profileTable(profiles))
    }
}

struct ProfileShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one boot profile.")

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let profile = try await options.withSession { try await $0.profile(self.profile) }
        output.show(profile, as: profileDetails(profile))
    }
}

/// `muster profile list`.
func profileTable(_ profiles: [BootProfile]) -> Table {
    let rows = profiles.map { profile in
        [
            Cell(profile.name), Cell(profile.mode.rawValue), Cell(profile.image?.description),
            Cell(profile.kernelArguments.joined(separator: " ")),
        ]
    }
    return Table(header: ["NAME", "MODE", "IMAGE", "KERNEL ARGUMENTS"], rows: rows, isLastOpen: true)
}

/// `muster profile show`.
func profileDetails(_ profile: BootProfile) -> Details {
    var fields = [
        ("Name", Cell(profile.name)), ("Mode", Cell(profile.mode.rawValue)),
        ("Image", Cell(profile.image?.description)),
        ("Kernel arguments", Cell(profile.kernelArguments.joined(separator: " "))),
    ]
    if let loader = profile.loader { fields.append(("Loader", Cell(loader.rawValue))) }
    if let install = profile.install {
        fields += [("Installs on", Cell(install.disk.rawValue)), ("May wipe", Cell(install.wipe?.rawValue))]
    }
    if let kickstart = profile.kickstart { fields += kickstartFields(kickstart) }
    return Details(fields: fields)
}
