import Agent
import ArgumentParser
import BlockDevices
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// What the commands about disks share.
struct DiskOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions

    @Option(help: "The certificates that may sign images, in PEM.")
    var certificates = "/etc/muster/image-signing.pem"

    @Flag(
        help: ArgumentHelp(
            "Take loop devices for disks, their file's name for the serial number (for tests).",
            visibility: .hidden
        )
    )
    var loopDevices = false

    @Option(
        help: ArgumentHelp("There where the machine was started by UEFI (for tests).", visibility: .hidden)
    )
    var firmware = "/sys/firmware/efi"

    @Option(help: "The directory of VDSM's network configuration; the committed networks go along to the disk.")
    var networkConfiguration = "/var/lib/vdsm"

    func install(_ progress: InstallReporter) -> NodeInstall {
        var settings = NodeInstall.Settings(
            state: node.stateDirectory,
            run: node.runDirectory,
            commandLine: node.commandLineFile,
            // The live root leaves a copy of its initramfs's in /run.
            certificates: [FilePath(certificates), node.runDirectory.file("image-signing.pem")],
            inventory: DiskInventory(withLoops: loopDevices),
            networkConfiguration: FilePath(networkConfiguration)
        )
        settings.firmware = FilePath(firmware)
        return NodeInstall(settings, progress: progress)
    }

    /// Runs, and turns a failure into its exit code.
    func run(_ progress: InstallReporter, _ body: (NodeInstall) async throws -> Void) async throws {
        do {
            try await body(install(progress))
        } catch let failure as InstallFailure {
            progress.fail(failure)
            let text = "error: \(failure.message)\n  try: \(failure.remedy)\n"
            FileHandle.writeError(text)
            throw failure.exitCode
        }
    }
}

/// Standard error, without Foundation.
private enum FileHandle {
    static func writeError(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(2, bytes, bytes.count)
    }
}

extension InstallFailure {
    var exitCode: ExitCode {
        switch kind {
        case .refused: .refused
        case .unavailable: .unavailable
        case .fault: .software
        case .tryAgain: .temporaryFailure
        }
    }
}

extension ExitCode {
    /// EX_DATAERR: the disk or the image is not one to be used.
    static let refused = ExitCode(65)
}

extension InstallReporter.Form: ExpressibleByArgument {}

struct ProgressOptions: ParsableArguments {
    @Option(help: "How progress is told: json, lines or bar (default: a bar on a terminal, lines elsewhere).")
    var progress: InstallReporter.Form?

    var reporter: InstallReporter { InstallReporter(progress ?? (isatty(1) == 1 ? .bar : .lines)) }
}

struct DisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disks",
        abstract: "Show the disks of this machine and what is on them.",
        discussion: "Removable disks, and those that are in use, are never installed to."
    )

    @OptionGroup var disks: DiskOptions
    @Flag(help: "As JSON: one array.")
    var json = false

    func run() async throws {
        let found = disks.install(InstallReporter(.lines)).disks()
        if json { return print(try jsonText(found)) }
        if found.isEmpty { print("this machine has no disk") }
        for disk in found {
            print(disk)
            guard let muster = disk.muster else { continue }
            for (name, slot) in muster.slots.sorted(by: { $0.key < $1.key }) {
                print("  \(slotText(name, slot, muster))")
            }
        }
    }
}

struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install this node to a disk of its machine.",
        discussion: """
            The disk is named by serial=…, wwn=…, its name below /dev/disk/by-id, or a rule that fits exactly one: rule:only, \
            rule:bus=nvme,size>=400G. A disk that holds anything is refused unless --wipe names its serial number.

            Exit codes: 0 done, 65 the disk or the image is refused, 69 a device or the network is gone, 70 our own fault, \
            75 try again.
            """
    )

    @OptionGroup var disks: DiskOptions
    @OptionGroup var progressOptions: ProgressOptions

    @Option(help: ArgumentHelp("Which disk.", valueName: "selector"))
    var disk: String?
    @Option(help: ArgumentHelp("The serial number of the disk whose contents may be lost.", valueName: "serial"))
    var wipe: String?
    @Option(
        help: ArgumentHelp(
            "http://SERVER/images/NAME/VERSION, medium:VOLUMEID or a folder (default: the image that the node runs).",
            valueName: "image"
        )
    )
    var image: String?
    @Option(
        help: ArgumentHelp("Size of each of the two slots (default: 2 GiB or three times the image).", valueName: "mib")
    )
    var slotSize: Int64?
    @Option(
        help: ArgumentHelp(
            "A word for the kernel command line of the installed node; may be repeated.",
            valueName: "word"
        )
    )
    var kernelArgument: [String] = []
    @Flag(help: "Say what would be done, and write nothing.")
    var dryRun = false
    @Flag(
        help: ArgumentHelp(
            "As muster.install= says, with the consoles of the machine (run by the initramfs).",
            visibility: .hidden
        )
    )
    var boot = false

    func validate() throws {
        guard boot != (disk != nil) else { throw ValidationError("name the disk: --disk serial=…") }
        guard slotSize.map({ (64...1 << 20).contains($0) }) ?? true else {
            throw ValidationError("--slot-size takes 64 to 1048576 MiB")
        }
    }

    func run() async throws {
        if boot { return try await runAtBoot() }
        let progress = progressOptions.reporter
        try await disks.run(progress) { install in
            var request = NodeInstall.Request(disk: try selector())
            request.wipe = wipe
            request.image = try image.map { try InstallSource(parsing: $0) }
            request.slotSize = slotSize.map { $0 << 20 }
            (request.kernelArguments, request.isDryRun) = (kernelArgument, dryRun)
            let disk = try await install.install(request)
            progress.finish(
                dryRun
                    ? "nothing was written"
                    : "installed to \(disk.name); it starts from there when the machine starts again"
            )
        }
    }

    private func selector() throws -> DiskSelector {
        do throws(DiskSelector.Refusal) { return try DiskSelector(parsing: disk ?? "") } catch {
            throw InstallFailure(error)
        }
    }

    private func runAtBoot() async throws {
        let install = BootInstall(disks.install, logger: NodeOptions.logger("install"))
        switch try await install.run() {
        case .reboot: throw ExitCode.rebootWanted
        case .nodeScreen: throw ExitCode.temporaryFailure
        }
    }
}

struct UpgradeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Write an image to the other slot of this node's disk; the next start tries it.",
        discussion:
            "Does not restart the machine. A slot that does not come up, or is not confirmed, is left after three tries."
    )

    @OptionGroup var disks: DiskOptions
    @OptionGroup var progressOptions: ProgressOptions
    @Option(help: ArgumentHelp("http://SERVER/images/NAME/VERSION, medium:VOLUMEID or a folder.", valueName: "image"))
    var image: String?

    func run() async throws {
        let progress = progressOptions.reporter
        try await disks.run(progress) { install in
            let (slot, title) = try await install.upgrade(try image.map { try InstallSource(parsing: $0) })
            progress.finish("\(title) is in slot \(slot.rawValue); the next start tries it")
        }
    }
}

struct SlotsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slots",
        abstract: "Show the two slots of the disk that this node runs from."
    )

    @OptionGroup var disks: DiskOptions
    @Flag(help: "As JSON: guid, slots, running.")
    var json = false

    func run() async throws {
        try await disks.run(InstallReporter(.lines)) { install in
            let slots = try install.slots()
            if json { return print(try jsonText(slots)) }
            for (name, slot) in slots.slots.sorted(by: { $0.key < $1.key }) { print(slotText(name, slot, slots)) }
        }
    }
}

struct ConfirmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Make the running slot the good one: its trial is over."
    )

    @OptionGroup var disks: DiskOptions
    @Flag(help: "Wait until the node does its work again; when it does not in time, restart the machine (run by init).")
    var whenReady = false

    func run() async throws {
        try await disks.run(InstallReporter(.lines)) { install in
            guard whenReady else { return print("slot \(try install.confirm().rawValue) is good") }
            let console = BootConsole()
            let trial = SlotTrial(install, logger: NodeOptions.logger("confirm")) { console.say($0) }
            if try await trial.run() == .expired {
                sync()
                throw ExitCode.rebootWanted
            }
        }
    }
}

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to the other slot at the next start."
    )

    @OptionGroup var disks: DiskOptions

    func run() async throws {
        try await disks.run(InstallReporter(.lines)) { install in
            print("the next start is from slot \(try install.rollback().rawValue)")
        }
    }
}

struct StatePartitionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state-partition",
        abstract: "Print the device of the state partition that muster.disk= names (run by init).",
        shouldDisplay: false
    )

    @OptionGroup var disks: DiskOptions

    func run() async throws {
        guard let device = disks.install(InstallReporter(.lines)).statePartition() else { throw ExitCode.unavailable }
        print(device)
    }
}

private func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

private func slotText(_ name: String, _ slot: DiskReport.Slot, _ disk: DiskReport.Installation) -> String {
    let image = [slot.name, slot.version].compactMap { $0.map { terminalEscaped($0) } }.joined(separator: " ")
    return "slot \(name): \(slot.state.rawValue)" + (image.isEmpty ? "" : ", \(image)")
        + (disk.running == name ? ", running" : "")
}
