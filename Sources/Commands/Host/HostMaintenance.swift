import ArgumentParser
import EngineClient
import HostModel

/// Out of service.
struct HostMaintenance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance",
        abstract: "Take a host out of service.",
        discussion: """
            The host prepares for maintenance until no guest runs on it; muster neither stops nor moves guests. \
            `muster host activate` takes it back, at any time. A host that does not answer is in maintenance at once.
            """,
        aliases: ["deactivate"]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: "Why, for whoever asks later; it is in the events and in `muster host show`.")
    var reason: String?

    @OptionGroup var waiting: StatusWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.deactivate(found.id, reason: reason)
            let now = try await waiting.outcome(session, found, .maintenance)
            output.show(now, as: Sentence(words: "\(now.name) is \(now.status)"))
        }
    }
}

/// Back into service.
struct HostActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Take a host into service again.",
        discussion:
            "From maintenance, or on the way there; also a host that is down, not operational or does not answer is looked at anew."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var waiting: StatusWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.activate(found.id)
            let now = try await waiting.outcome(session, found, .up)
            output.show(now, as: Sentence(words: "\(now.name) is \(now.status)"))
        }
    }
}

/// `--wait` of commands that end with a status of the host.
struct StatusWaitOptions: ParsableArguments {
    @Flag(help: "Come back only when the host is there; each change of status is told on standard error.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = HostWait.secondsDefault

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("The time-out must be at least one second.") }
    }

    /// The host as it is now, or once it has the status.
    func outcome(_ session: EngineSession, _ host: HostResource, _ status: HostStatus) async throws -> HostResource {
        guard wait else { return try await session.host(host.id) }
        var waiting = HostWait(session, for: host, status: status, seconds: timeout)
        return try await waiting.run()
    }
}
