import Agent
import ArgumentParser
import Glibc
import Logging
import ServiceLifecycle
import SystemPackage
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer the engine: JSON-RPC over STOMP over TLS.",
        discussion: """
            Waits for key, certificate, CA and host id in the state directory, and takes renewed ones into use; the \
            connections of the former ones are closed. Only the engine's certificate may command it, and its own from this host. Started as root it becomes --user first; \
            what needs root is done by `muster-agent apply`.
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(help: "The address to listen on; every one unless set.")
    var address: String?

    @Option(help: "The port to listen on.")
    var port = AgentServerSettings.portDefault

    @Option(help: "The user to become, by name or number.")
    var user = "36"

    @Option(help: "The group to become, by number.")
    var group: UInt32 = 36

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port takes 0 to 65535") }
        guard userID != nil else { throw ValidationError("there is no user \(user)") }
    }

    func run() async throws {
        let settings = AgentServerSettings(
            state: node.stateDirectory,
            run: node.runDirectory,
            commandLine: node.commandLineFile,
            address: address,
            port: port,
            userID: userID ?? 36,
            groupID: group
        )
        let logger = NodeOptions.logger("serve")
        try await run(AgentServer(settings, logger: logger), logger)
    }

    private var userID: UInt32? { UInt32(user) ?? getpwnam(user)?.pointee.pw_uid }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Change the node's networks and images for `serve`, and take back what the engine can not reach.",
        discussion: """
            Needs root. Started after it was killed in the middle of a change, it first takes that change back; an installation \
            that was under way is ended, and whoever asks for it is told so.

            Work on disks is done by --installer as a child, one at a time; how the last one ended is kept below --run.
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Option(help: "Below it lie VDSM's running (staging/netconf) and persistent (persistence/netconf) networks.")
    var networkConfiguration = "/var/lib/vdsm"

    @Option(help: "The user of `serve`, by number.")
    var user: UInt32 = 36

    @Option(help: "The group of `serve`, by number.")
    var group: UInt32 = 36

    @Option(help: "What lists disks and writes images: this program unless set.")
    var installer: String?

    @Option(help: "What reboots the machine.")
    var rebootProgram = "/sbin/reboot"

    @Flag(help: "The committed networks are restored at once: this machine has no `boot-network`.")
    var withoutBootNetwork = false
    @Option(help: "Below it lie VDSM's hooks: before_network_setup, after_network_setup, after_network_setup_fail.")
    var hooks = "/usr/libexec/vdsm/hooks"

    func run() async throws {
        let logger = NodeOptions.logger("apply")
        var settings = options.apply(node, networkConfiguration, user: user, group: group)
        settings.commandLine = node.commandLineFile
        settings.installer = FilePath(installer ?? Self.ownProgram)
        settings.rebootProgram = FilePath(rebootProgram)
        settings.waitsForBootNetwork = !withoutBootNetwork
        settings.hooks = FilePath(hooks)
        try await run(ApplyServer(settings, logger: logger), logger)
    }

    /// Where this program lies, whatever it was called by.
    private static var ownProgram: String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = path.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count) }
                ?? 0
        }
        return length > 0 ? String(decoding: path.prefix(length), as: UTF8.self) : "/usr/bin/muster-agent"
    }
}

extension NetworkOptions {
    func apply(_ node: NodeOptions, _ configuration: String, user: UInt32, group: UInt32) -> ApplySettings {
        ApplySettings(
            run: node.runDirectory,
            state: node.stateDirectory,
            networkConfiguration: FilePath(configuration),
            resolvConf: FilePath(resolvConf),
            busybox: FilePath(busybox),
            udhcpcScript: FilePath(udhcpcScript),
            userID: user,
            groupID: group
        )
    }
}

extension AsyncParsableCommand {
    /// Runs until SIGTERM or SIGINT.
    fileprivate func run(_ service: some Service, _ logger: Logger) async throws {
        try await ServiceGroup(
            services: [service],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        ).run()
    }
}
