import ArgumentParser
import EngineClient
import HostModel

/// `muster host power HOST …`.
struct HostPower: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power",
        abstract: "Switch a host by its board, and say how that is reached.",
        usage: "muster host power <host> status|on|off|restart|set|agent …",
        discussion: """
            The board is a BMC that speaks IPMI or Redfish, or anything that a fence agent of Debian's fence-agents switches. \
            See docs/power.md.

              muster host power kvm-8 agent add --type ipmilan --address 10.9.0.8 --username admin --password-file pw
              muster host power kvm-8 status
              muster host power kvm-8 restart --boot-from network
            """,
        subcommands: [
            HostPowerStatus.self, HostPowerOn.self, HostPowerOff.self, HostPowerRestart.self, HostPowerSet.self,
            HostPowerAgent.self,
        ]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    /// A board is waited for as long as the engine waits for it.
    static let limits: TransportLimits = {
        var limits = TransportLimits()
        limits.readSeconds = 300
        return limits
    }()
}

struct HostPowerStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Ask the board whether the host is on.",
        usage: "muster host power <host> status"
    )

    @ParentCommand var parent: HostPower
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession(limits: HostPower.limits) { session in
            let found = try await session.findHost(parent.host)
            let answer = try await session.fence(found.id, FenceActionResource("status"))
            let power = answer.power_management ?? PowerManagementResource()
            output.show(power, as: Sentence(words: "\(found.name) is \(terminalEscaped(power.status ?? "unknown"))"))
        }
    }
}

/// What the three orders have in common.
struct PowerOrder: Sendable {
    /// oVirt's word: start, stop, restart.
    var word: String
    var bootsFromNetwork = false
    var force = false

    func run(_ parent: HostPower, _ waiting: PowerWaitOptions, _ options: EngineOptions, _ output: OutputOptions)
        async throws
    {
        try await options.withSession(limits: HostPower.limits) { session in
            let found = try await session.findHost(parent.host)
            let muster = FenceActionResource.Muster(boot_from_network: bootsFromNetwork, force: force)
            let action = try await session.fence(found.id, FenceActionResource(word, muster: muster))
            guard !waiting.noWait, let job = action.job else {
                return output.show(action, as: Sentence(words: "\(found.name) is being switched"))
            }
            var wait = JobWait(session, seconds: waiting.timeout)
            let ended = try await wait.run(job.id)
            output.show(ended, as: Sentence(words: "\(found.name): \(word) is done"))
        }
    }
}

struct PowerWaitOptions: ParsableArguments {
    @Flag(help: "Return as soon as the engine has the order.")
    var noWait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = 1200
}

enum BootSource: String, ExpressibleByArgument, CaseIterable {
    case disk
    case network
}

struct HostPowerOn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "on",
        abstract: "Switch the host on.",
        usage: "muster host power <host> on [--boot-from network] [--no-wait]"
    )

    @ParentCommand var parent: HostPower

    @Option(help: "What the next boot is from; disk leaves it as it is set up.")
    var bootFrom = BootSource.disk

    @OptionGroup var waiting: PowerWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await PowerOrder(word: "start", bootsFromNetwork: bootFrom == .network)
            .run(parent, waiting, options, output)
    }
}

struct HostPowerOff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "off",
        abstract: "Cut the host's power. Its system is not asked.",
        usage: "muster host power <host> off [--force] [--no-wait]"
    )

    @ParentCommand var parent: HostPower

    @Flag(help: "Also while guests run on it.")
    var force = false

    @OptionGroup var waiting: PowerWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await PowerOrder(word: "stop", force: force).run(parent, waiting, options, output)
    }
}

struct HostPowerRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Cut the host's power and switch it on again.",
        usage: "muster host power <host> restart [--boot-from network] [--force] [--no-wait]"
    )

    @ParentCommand var parent: HostPower

    @Option(help: "What the next boot is from; disk leaves it as it is set up.")
    var bootFrom = BootSource.disk

    @Flag(help: "Also while guests run on it.")
    var force = false

    @OptionGroup var waiting: PowerWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await PowerOrder(word: "restart", bootsFromNetwork: bootFrom == .network, force: force)
            .run(parent, waiting, options, output)
    }
}

struct HostPowerSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Say whether the engine restarts the host by itself, and who asks its board.",
        usage: "muster host power <host> set [--enabled yes|no] [--kdump yes|no] [--proxy <who>]…"
    )

    enum Answer: String, ExpressibleByArgument, CaseIterable {
        case yes
        case no
    }

    @ParentCommand var parent: HostPower

    @Option(help: "Restart it when it does not respond.")
    var enabled: Answer?

    @Option(help: "Wait for a crash dump first.")
    var kdump: Answer?

    @Option(help: ArgumentHelp("Who runs the fence agents, in this order.", valueName: "engine|cluster|dc"))
    var proxy: [String] = []

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard enabled != nil || kdump != nil || !proxy.isEmpty else { throw ValidationError("Nothing is to be set.") }
    }

    func run() async throws {
        var power = PowerManagementResource()
        (power.enabled, power.kdump_detection) = (enabled.map { $0 == .yes }, kdump.map { $0 == .yes })
        if !proxy.isEmpty { power.pm_proxies = PowerManagementResource.Proxies(proxy) }
        let change = power
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            let host = try await session.changePower(of: found.id, change)
            let word = host.power_management?.enabled == true ? "enabled" : "disabled"
            output.show(host, as: Sentence(words: "power management of \(host.name) is \(word)"))
        }
    }
}
