import Agent
import ArgumentParser
import SystemPackage

struct LiveRootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live-root",
        abstract: "Make the root image that muster.image= names the root of this boot (run by the initramfs).",
        discussion: """
            Fetches manifest, signature and root image from the boot server, or finds them on a medium; checks the signature \
            by the certificates of this initramfs; and puts the root together: loop device, dm-verity, squashfs, overlay in \
            memory. Says on every console what it does. When something fails it shows a menu, and tries again by itself.

            Ends with 0 when the root stands at --sysroot, with 75 when a person wants the initramfs's own screen, \
            and with 76 when he wants to reboot.
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(help: "The certificates that may sign images, in PEM.")
    var certificates = "/etc/muster/image-signing.pem"

    @Option(help: "Where the new root is put together.")
    var sysroot = "/sysroot"

    @Option(help: ArgumentHelp("How long to wait for the network, or for the medium.", valueName: "seconds"))
    var wait = 120

    func validate() throws {
        guard (0...600).contains(wait) else { throw ValidationError("--wait takes 0 to 600 seconds") }
    }

    func run() async throws {
        let settings = LiveRoot.Settings(
            state: node.stateDirectory,
            run: node.runDirectory,
            commandLine: node.commandLineFile,
            certificates: FilePath(certificates),
            sysroot: FilePath(sysroot),
            waitSeconds: wait
        )
        switch try await LiveRoot(settings, logger: NodeOptions.logger("live-root")).run() {
        case .ready: return
        case .nodeScreen: throw ExitCode.temporaryFailure
        case .reboot: throw ExitCode.rebootWanted
        }
    }
}
