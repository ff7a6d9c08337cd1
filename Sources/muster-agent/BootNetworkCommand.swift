import Agent
import ArgumentParser
import Glibc
import SystemPackage

/// The flags of the two commands that change interfaces.
struct NetworkOptions: ParsableArguments {
    @Option(help: "The resolver's configuration, written with the name servers of the arguments and of DHCP.")
    var resolvConf = "/etc/resolv.conf"

    @Option(help: "busybox, for its ip and udhcpc.")
    var busybox = "/bin/busybox"

    @Option(help: "What udhcpc runs; it must end in `muster-agent lease \"$@\"`.")
    var udhcpcScript = "/usr/share/udhcpc/default.script"

    func network(_ node: NodeOptions, waitSeconds: Int = 60, label: String) -> BootNetwork {
        BootNetwork(
            BootNetwork.Settings(
                state: node.stateDirectory,
                run: node.runDirectory,
                commandLine: node.commandLineFile,
                resolverFile: FilePath(resolvConf),
                waitSeconds: waitSeconds
            ),
            tool: NetworkTool(
                busybox: FilePath(busybox),
                udhcpcScript: FilePath(udhcpcScript),
                run: node.runDirectory
            ),
            logger: NodeOptions.logger(label)
        )
    }
}

struct BootNetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot-network",
        abstract: "Bring up the network that the node needs to reach its engine.",
        discussion: """
            Waits for a carrier on the interface that the machine booted from (BOOTIF=), on those that ip= names, or on any; then \
            makes bonds and VLANs, gives fixed addresses and starts DHCP. Without ip= it asks DHCP. Run it again after the \
            settings changed. Leaves everything alone once the engine has set up its own networks.

            Ends with 0 when an interface has an address, and with 69 when none has; DHCP then goes on asking in the background.
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Option(help: ArgumentHelp("How long to wait for interfaces and carriers.", valueName: "seconds"))
    var wait = 60

    func validate() throws {
        guard (0...600).contains(wait) else { throw ValidationError("--wait takes 0 to 600 seconds") }
    }

    func run() async throws {
        let network = options.network(node, waitSeconds: wait, label: "boot-network")
        guard try await network.bringUp() else { throw ExitCode.unavailable }
    }
}

struct LeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Put a DHCP lease into force (run by udhcpc with the lease in its environment)."
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Argument(help: "bound, renew, deconfig, nak or leasefail.")
    var event: String

    func run() async throws {
        let names = [
            "interface", "ip", "mask", "subnet", "router", "dns", "domain", "hostname", "mtu", "serverid",
            "staticroutes",
        ]
        var environment: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        try await options.network(node, label: "lease").takeLease(event, environment: environment)
    }
}
