import ArgumentParser
import EngineClient
import HostModel

extension DiskWord: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

/// `--wait` and `--timeout` of commands that begin a job.
struct JobOptions: ParsableArguments {
    @Flag(help: "Wait until it is done and the host is up, telling each step on standard error.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = JobWait.secondsDefault

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("The time-out must be at least one second.") }
    }
}

struct HostInstallDisk: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-disk",
        abstract: "Install a host on one of its disks, and boot it from there.",
        discussion: """
            The host must be up. It writes the image to the disk in two slots' layout (docs/node.md), keeps its key, \
            certificate and networks, reboots, and comes back from the disk; from then on its boot profile is a local one.

            SELECTOR names exactly one disk: serial=SERIAL, wwn=WWN, a name under /dev/disk/by-id, or a rule such as \
            rule:only or rule:bus=nvme,size>=400G. If none or more than one fits, the host \
            lists the candidates and writes nothing. A disk that holds anything is refused unless --wipe gives its own serial.

              muster host disks node-5a31
              muster host install-disk node-5a31 --disk serial=S3X1NB0K --dry-run
              muster host install-disk node-5a31 --disk serial=S3X1NB0K --wipe S3X1NB0K --wait
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: ArgumentHelp("Which disk; see above.", valueName: "selector"))
    var disk: DiskWord

    @Option(help: ArgumentHelp("The serial number of the disk, to wipe what it holds.", valueName: "serial"))
    var wipe: DiskWord?

    @Option(
        help: ArgumentHelp("NAME or NAME@VERSION; the image that the host runs unless given.", valueName: "image"),
        completion: .images
    )
    var image: String?

    @Flag(help: "Only show what the host would do, or why it would refuse.")
    var dryRun = false

    @OptionGroup var job: JobOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard let reason = selectorProblem(disk) else { return }
        throw ValidationError("--disk: \(reason).")
    }

    func run() async throws {
        let image = try image.map(imageReference)
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let request = DiskInstallationRequest(disk: disk, wipe: wipe, image: image, dry_run: dryRun ? true : nil)
            let action = try await session.installDisk(found.id, request)
            if dryRun { return output.show(action, as: Lines(lines: action.plan ?? [])) }
            try await session.follow(
                action,
                of: found,
                wait: job.wait,
                seconds: job.timeout,
                output,
                begun: "\(found.name) is being installed on its disk",
                done: "\(found.name) is installed and runs from its disk"
            )
        }
    }
}

/// What is wrong with a selector, as far as that can be said without the disks; `nil` for a good one.
func selectorProblem(_ disk: DiskWord) -> String? {
    do throws(DiskSelector.Refusal) { _ = try DiskSelector(parsing: disk.rawValue) } catch {
        guard case .malformed(let reason) = error else { return nil }
        return terminalEscaped(reason)
    }
    return nil
}

/// Sentences, one a line.
struct Lines: Layout {
    var lines: [String]

    func text(_ style: Style, headers: Bool) -> String { lines.map { terminalEscaped($0) + "\n" }.joined() }
}

/// A typed `NAME` or `NAME@VERSION`.
func imageReference(_ text: String) throws(UserError) -> ImageReference {
    guard let image = ImageReference(text) else {
        throw UserError(
            .badData,
            "\(terminalEscaped(text)) is no name of an image",
            remedy: "NAME or NAME@VERSION, as muster image list shows them"
        )
    }
    return image
}
