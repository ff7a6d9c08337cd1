import ArgumentParser
import EngineClient
import HostModel

struct ProfileInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Make a boot profile that installs hosts on their own disk, or change it.",
        discussion: """
            A host that boots it writes the image to the disk that SELECTOR names (see muster host install-disk --help), reports \
            that it is done, and boots the profile local from then on. Until then every boot tries again. A disk that holds \
            anything is refused unless --wipe gives its own serial, so that a rule for many machines wipes none of them.

              muster profile install disk-nodes --image node-debian --disk rule:bus=nvme,size>=400G
              muster host boot node-5a31 --next disk-nodes

            Only for machines that are hosts already; a new machine registers first, with a profile of the mode run.
            """
    )

    @Argument(help: "Name of the profile.", completion: .profiles)
    var profile: String

    @Option(help: ArgumentHelp("NAME or NAME@VERSION.", valueName: "image"), completion: .images)
    var image: String

    @Option(help: ArgumentHelp("Which disk.", valueName: "selector"))
    var disk: DiskWord

    @Option(help: ArgumentHelp("The serial number of the disk that may be wiped.", valueName: "serial"))
    var wipe: DiskWord?

    @Option(help: ArgumentHelp("A word for the kernel command line; may be repeated.", valueName: "word"))
    var kernelArgument: [String] = []

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let reason = selectorProblem(disk) { throw ValidationError("--disk: \(reason).") }
        guard disk.isKernelWord, wipe?.isKernelWord ?? true else {
            throw ValidationError(
                "A name with a blank cannot stand on a kernel command line; use wwn= or a by-id name."
            )
        }
    }

    func run() async throws {
        let wanted = BootProfile(
            name: profile,
            mode: .install,
            image: try imageReference(image),
            kernelArguments: kernelArgument,
            install: DiskInstallSettings(disk: disk, wipe: wipe)
        )
        try await options.withSession { session in
            try await session.saveProfile(wanted)
            let saved = try await session.profile(wanted.name)
            output.show(saved, as: Sentence(words: "the boot profile \(saved.name) installs on \(disk)"))
        }
    }
}
