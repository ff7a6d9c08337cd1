import ArgumentParser
import EngineClient
import HostModel

struct ProfileSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Make a boot profile, or change it, from a YAML file.",
        discussion:
            "The keys are those of `muster profile show NAME -o yaml`. docs/kickstart.md shows one that installs."
    )

    @Argument(help: "A YAML or JSON file with one profile.", completion: .file())
    var file: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let profile = try SettingsDocument.read(BootProfile.self, from: file)
        try await options.withSession { session in
            try await session.saveProfile(profile)
            let saved = try await session.profile(profile.name)
            output.show(saved, as: Sentence(words: "the boot profile \(saved.name) is saved"))
        }
    }
}

/// What `muster profile show` adds for a profile that installs.
func kickstartFields(_ kickstart: KickstartSettings) -> [(String, Cell)] {
    [
        ("Installs from", Cell(kickstart.tree.rawValue)),
        ("Repositories", Cell(kickstart.repositories.map(\.name).joined(separator: " "))),
        ("Packages", Cell(kickstart.packages.map(\.rawValue).joined(separator: " "))),
        ("Time zone", Cell(kickstart.timeZone.rawValue)),
        ("Root password", Cell(kickstart.rootPassword == nil ? "locked" : "set")),
        ("SSH keys", Cell("\(kickstart.sshKeys.count)")),
    ]
}
